"""The operator's service: organisations, plans, the queue, and the log of what operators do."""
