"""The store: one schema on two engines, and the one way to write to it."""
