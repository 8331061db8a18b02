"""Promises of `server.webhooks.formats`."""
