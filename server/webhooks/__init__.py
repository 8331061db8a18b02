"""Webhooks: customers' HTTP endpoints that are told, signed and until they answer, of what happened."""
