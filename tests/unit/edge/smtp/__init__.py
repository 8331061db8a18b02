"""The pure parts of the relay."""
