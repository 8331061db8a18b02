"""Clients in other languages and the SDKs of others, against the real programs."""
