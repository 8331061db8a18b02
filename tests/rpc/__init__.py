"""The gRPC services as callers see them."""
