"""Organisations, their users, and the sessions by which a user calls."""
