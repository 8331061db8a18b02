"""Submissions to the writer, and what becomes of them."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any, TypeAlias

from sqlalchemy.exc import DBAPIError

from server.db.outage import RETRY_AFTER_S, StoreAway
from server.db.tx import Tx
from server.faults import Unavailable

# Submissions of different acts share a transaction, so their items and results have no common type here;
# `Writer.submit` and `Writer.run` give them back to each caller as they came.
Items: TypeAlias = list[Any]
Results: TypeAlias = Sequence[Any]
Act: TypeAlias = Callable[[Tx, Items], Results]
Written: TypeAlias = "tuple[Submission, Results]"


@dataclass(eq=False, slots=True)
class Submission:
    """Items that a caller waits for.

    `repeat_until` is a time of the monotonic clock, set by the first failure: later it is not repeated.
    """

    act: Act
    items: Items
    alone: bool
    outcome: "asyncio.Future[Results]" = field(repr=False)
    attempts: int = 0
    repeat_until: float = inf

    @property
    def is_wanted(self) -> bool:
        """False if its caller is gone; any thread may ask."""
        return not self.outcome.done()


class CallersLeft(Exception):
    """Callers left while their transaction waited, and it was rolled back."""


def run_acts(tx: Tx, submissions: list[Submission]) -> list[Written]:
    """Runs each act once, for all of its items; each submission gets its own results."""
    by_act: dict[Act, list[Submission]] = {}
    for submission in submissions:
        by_act.setdefault(submission.act, []).append(submission)
    written: list[Written] = []
    for act, own in by_act.items():
        items = [item for submission in own for item in submission.items]
        results = act(tx, items)
        if len(results) != len(items):
            raise AssertionError(f"{act} gave {len(results)} results for {len(items)} items")
        start = 0
        for submission in own:
            written.append((submission, results[start : start + len(submission.items)]))
            start += len(submission.items)
    return written


def settle(written: list[Written]) -> None:
    """Gives callers their results."""
    for submission, results in written:
        if not submission.outcome.done():
            submission.outcome.set_result(results)


def fail(group: list[Submission], error: Exception) -> None:
    """Gives callers an error."""
    if _is_rollback(error):
        error = Unavailable(RETRY_AFTER_S)
    for submission in group:
        if not submission.outcome.done():
            submission.outcome.set_exception(error)


def may_succeed_next(error: Exception) -> bool:
    """True if the transaction may succeed the next time: after a deadlock, a lock that others kept, a lost
    connection, or a race between two PostgreSQL transactions."""
    if isinstance(error, StoreAway):
        return error.may_repeat
    # After a unique violation (23505) the next try sees the other's row.
    return _is_rollback(error) or _state(error) == "23505"


def _is_rollback(error: Exception) -> bool:
    """True if PostgreSQL gave the transaction up for the sake of others: a deadlock for example."""
    return _state(error).startswith("40")


def _state(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) else None
    return str(getattr(cause, "sqlstate", None) or "")
