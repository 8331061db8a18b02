"""Quotas: what an organisation may send, and what it has used of that."""
