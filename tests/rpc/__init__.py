"""What callers of the gRPC services see."""
