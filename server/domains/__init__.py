"""Domains to send from: the DNS records to publish, their verification, and the DKIM keys."""
