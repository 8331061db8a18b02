"""HTTP and JSON to gRPC and back, by the descriptors alone: this package knows no dialect."""
