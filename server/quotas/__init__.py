"""Quotas: the limits of an organisation and its usage."""
