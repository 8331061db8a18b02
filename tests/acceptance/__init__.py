"""End-to-end promises to new users, against the real programs."""
