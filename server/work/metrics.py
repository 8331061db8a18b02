"""Prometheus metrics of background loops."""

from prometheus_client import Counter

PAUSED_SECONDS = Counter(
    "zidimail_background_paused_seconds",
    "Seconds that background loops paused because many sends were being accepted.",
    ["loop"],
)
