"""Subscriptions of organisations to plans, by PayPal."""
