"""Promises of `server.events`."""
