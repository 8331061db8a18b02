"""The doors: outside protocols turned into gRPC calls."""
