"""Counters of emails and recipients, and an index of addresses, kept by a reader of the event log."""
