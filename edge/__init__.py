"""Outside protocols turned into gRPC calls."""
