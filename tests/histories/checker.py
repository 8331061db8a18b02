"""Compares a history with the promises; it shares no code with the product.

Each function returns a sentence for each promise that was broken.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from tests.histories.history import History, Reply

# The types of events that statistics count one by one, by the names that they have there.
_COUNTED = {"delivered": "email.delivered", "bounced": "email.bounced"}


def violations(history: History) -> list[str]:
    """All that is wrong in a history."""
    return [
        *_sends(history),
        *_cancels(history),
        *_readings(history),
        *_calls(history),
        *_quota(history),
        *_counts(history),
    ]


def _sends(history: History) -> Iterator[str]:
    """Accepted mail arrives once, refused mail never; a second copy is flagged (DESIGN 8, C-94)."""
    taken = Counter(history.taken)
    for send in history.sends:
        yield from _arrivals(send.mark, send.reply, taken[send.mark], history)


def _cancels(history: History) -> Iterator[str]:
    """Mail whose cancellation was confirmed never arrives, other mail does."""
    opposite: dict[Reply, Reply] = {"yes": "no", "no": "yes", "unknown": "unknown"}
    taken = Counter(history.taken)
    for cancel in history.cancels:
        yield from _arrivals(cancel.mark, opposite[cancel.reply], taken[cancel.mark], history)


def _arrivals(mark: str, expected: Reply, times: int, history: History) -> Iterator[str]:
    if expected == "yes" and not times:
        yield f"{mark} was promised, and never arrived"
    if expected == "no" and times:
        yield f"{mark} was refused or cancelled, and arrived"
    if times > 1 and mark not in history.flagged:
        yield f"{mark} arrived {times} times, and no event says so"


def _readings(history: History) -> Iterator[str]:
    """Each reader gets each event once, in the order of the log (F-8)."""
    for name, seen in history.readings.items():
        yield from (f"{name} got {id} {n} times" for id, n in Counter(seen).items() if n > 1)
        yield from (f"{name} never got {id}" for id in _missing(history.log, seen))
        yield from (f"{name} got {id}, which is not in the log" for id in _missing(seen, history.log))
        known, got = set(seen), set(history.log)
        both = [id for id in history.log if id in known], [id for id in dict.fromkeys(seen) if id in got]
        if both[0] != both[1]:
            yield f"{name} got the events in another order than the log has them"


def _missing(wanted: Iterable[str], found: Iterable[str]) -> list[str]:
    there = set(found)
    return [id for id in wanted if id not in there]


def _calls(history: History) -> Iterator[str]:
    """A webhook is called about each event (F-3); an address that was given up is not called again (C-95)."""
    yield from (f"the webhook was never called about {id}" for id in _missing(history.log, history.webhook))
    for call in history.called:
        until = history.abandoned.get(call.path)
        if until is not None and call.at > until + history.grace_s:
            yield f"{call.path} was called {call.at - until:.1f} s after it had been given up"


def _quota(history: History) -> Iterator[str]:
    """A limit is met exactly, however many clients race for the last place (C-2)."""
    if not history.limit:
        return
    reply = Counter(send.reply for send in history.limited)
    if reply["yes"] > history.limit:
        yield f"{reply['yes']} sends were accepted, of {history.limit}"
    if reply["no"] and reply["yes"] + reply["unknown"] < history.limit:
        yield f"{reply['no']} sends were refused, though only {reply['yes']} of {history.limit} were accepted"


def _counts(history: History) -> Iterator[str]:
    """Statistics count each event once (Z-29)."""
    in_log = Counter(history.types[id] for id in history.log)
    for name, counted in history.counted.items():
        if name in _COUNTED and counted != in_log[_COUNTED[name]]:
            yield f"statistics count {counted} {name}, the log holds {in_log[_COUNTED[name]]}"
