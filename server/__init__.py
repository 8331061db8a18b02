"""The gRPC core: what things mean, how they are stored, and how mail is delivered."""
