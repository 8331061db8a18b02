"""The rules of an email."""
