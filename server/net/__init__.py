"""Outgoing connections: DNS look-ups, address checks, and HTTP to URLs that customers give."""
