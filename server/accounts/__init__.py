"""Organisations, their users, and the users' sessions."""
