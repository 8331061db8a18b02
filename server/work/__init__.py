"""Durable work: how rows are leased, repeated after failure, and watched over by loops."""
