"""Builds the package."""

from server.account_health.judging import Judge, thresholds_of
from server.kernel import Kernel, Package
from server.stats.counting import Counting


def build(kernel: Kernel) -> Package:
    """Keeps the daily counters, and judges accounts by them."""
    judge = Judge(thresholds_of(kernel.settings), kernel.clock)
    counting = Counting(kernel.database, kernel.writer, kernel.events_appended, kernel.backpressure, judge)
    return Package(delivering=[counting])
