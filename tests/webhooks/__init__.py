"""Webhooks from the log to a real HTTP receiver, on both engines."""
