"""The harness itself: a sink that lies would prove nothing."""
