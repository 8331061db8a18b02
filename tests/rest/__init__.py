"""REST as callers see it, through a real edge and a real server; whole answers in golden files."""
