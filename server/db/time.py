"""The clock of a store: PostgreSQL's own, as many machines share one; else that of the system (C-93)."""

import asyncio

from sqlalchemy import BigInteger, cast, extract, func, select
from sqlalchemy.engine import make_url

from server import ids
from server.clock import Clock, DatabaseClock, Reading, SystemClock, steady_us
from server.db.engines import engine_of
from server.db.tx import Tx

# `now()` would be the time at which the transaction began.
_TIME = select(cast(extract("epoch", func.clock_timestamp()) * 1_000_000, BigInteger))
# The first statement of a transaction waits for its begin too.
_READINGS = 3
_CONNECT_S = 5


async def clock_of(url: str) -> Clock:
    """The clock of the store at `url`, to be asked for before anything else; from then on new ids go by it.

    Raises DBAPIError.
    """
    clock = await asyncio.to_thread(_clock_of, url)
    ids.go_by(clock)
    return clock


def time_us(tx: Tx) -> int:
    """The time of PostgreSQL, in microseconds since 1970 UTC."""
    now_us = tx.scalar(int, _TIME)
    assert now_us is not None
    return now_us


def readings(tx: Tx) -> list[Reading]:
    """A few readings of PostgreSQL's clock, one after the other."""
    return [_reading(tx) for _ in range(_READINGS)]


def _reading(tx: Tx) -> Reading:
    asked_us = steady_us()
    return Reading(time_us(tx), asked_us, steady_us())


def _clock_of(url: str) -> Clock:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return SystemClock()
    engine = engine_of(parsed, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": _CONNECT_S})
    try:
        with engine.connect() as connection:
            first, *others = readings(Tx(connection))
    finally:
        engine.dispose()
    clock = DatabaseClock(first)
    for reading in others:
        clock.correct(reading)
    return clock
