"""HTTP and JSON to gRPC and back, by the descriptors alone: this room knows no dialect."""
