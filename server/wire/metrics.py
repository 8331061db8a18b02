"""Prometheus metrics of calls."""

from prometheus_client import Counter, Histogram

CALLS = Counter("zidimail_grpc_calls", "Calls that were answered.", ["method", "code"])
SECONDS = Histogram(
    "zidimail_grpc_seconds",
    "How long a call took, in seconds.",
    ["method"],
    buckets=(0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
