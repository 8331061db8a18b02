"""Subscriptions and PayPal."""
