"""Builds the package."""

from server.kernel import Kernel, Package
from server.stats.counting import Counting


def build(kernel: Kernel) -> Package:
    """Keeps the daily counters."""
    counting = Counting(kernel.database, kernel.writer, kernel.events_appended, kernel.backpressure)
    return Package(delivering=[counting])
