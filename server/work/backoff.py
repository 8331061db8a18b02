"""Retry schedules, with jitter so that calls which failed together are not repeated together."""

import random
from collections.abc import Callable, Sequence

JITTER = 0.2

# Seconds after the first, second, ... failed attempt; the last one repeats (RFC 5321 section 4.5.4.1).
DELIVERY_S = (60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 14_400.0)


def delay_s(schedule: Sequence[float], failures: int, chance: Callable[[], float] = random.random) -> float:
    """Seconds to wait after `failures` failed attempts (at least one), within 20 % of the schedule.

    After the end of the schedule its last step repeats. `chance` returns a number in [0, 1).
    """
    step = schedule[min(failures, len(schedule)) - 1]
    return jittered(step, chance)


def exponential_s(
    first_s: float, longest_s: float, failures: int, chance: Callable[[], float] = random.random
) -> float:
    """Seconds to wait after `failures` failures (at least one): doubled each time up to a limit."""
    # The exponent is bounded, as a loop that fails for days would overflow a float.
    return jittered(min(longest_s, first_s * 2.0 ** min(failures - 1, 32)), chance)


def jittered(seconds: float, chance: Callable[[], float] = random.random) -> float:
    """A time within 20 % of `seconds`."""
    return seconds * (1 - JITTER + 2 * JITTER * chance())
