"""Delivery: from rows of the queue to messages that other systems took or refused."""
