"""Promises of `server.webhooks`."""
