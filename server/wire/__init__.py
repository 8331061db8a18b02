"""The gRPC layer, without product rules: authentication, access, faults, logs and metrics of calls."""
