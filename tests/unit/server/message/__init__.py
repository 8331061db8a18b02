"""Header grammar, MIME and DKIM."""
