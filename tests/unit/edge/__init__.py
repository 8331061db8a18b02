"""The edge, part by part, and as a whole against a real gRPC server that does what a test says."""
