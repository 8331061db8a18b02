"""Formats of webhook calls: the body of an event, and the headers that sign it."""
