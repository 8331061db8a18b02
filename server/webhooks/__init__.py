"""Webhooks: signed HTTP calls that notify customers of events, repeated until they are answered."""
