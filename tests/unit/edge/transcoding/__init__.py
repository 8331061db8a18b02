"""From HTTP and JSON to messages and back, without a network."""
