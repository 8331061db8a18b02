"""Reads of one caller, in a process of their own, so that nothing in the test's process delays them."""

import http.client
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from urllib.parse import urlsplit

PAUSE_S = 0.005
# Reads that are not measured: the first ones open connections and fill caches.
UNMEASURED = 10


class Reading:
    """Reads that go on until their seconds are asked for."""

    def __init__(self, over: Event, results: "Connection[object, list[float]]") -> None:
        self._over = over
        self._results = results

    def seconds(self) -> list[float]:
        """Ends the reading; the seconds that each read took, sorted."""
        self._over.set()
        return sorted(self._results.recv())


@contextmanager
def reading(url: str, key: str) -> Iterator[Reading]:
    """Reads the emails of a key, one request after the other; it has begun when this is entered."""
    spawn = get_context("spawn")
    over = spawn.Event()
    results, end = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_read, args=(url, key, over, end))
    process.start()
    try:
        results.recv()
        yield Reading(over, results)
    finally:
        over.set()
        process.join()


def _read(url: str, key: str, over: Event, results: "Connection[object, object]") -> None:
    seconds: list[float] = []
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    turn = 0
    while turn <= UNMEASURED or not over.is_set():
        began = time.perf_counter()
        connection.request("GET", "/v1/emails?limit=1", headers={"authorization": f"Bearer {key}"})
        connection.getresponse().read()
        if turn > UNMEASURED:
            seconds.append(time.perf_counter() - began)
        elif turn == UNMEASURED:
            results.send([])
        turn += 1
        time.sleep(PAUSE_S)
    connection.close()
    results.send(seconds or [0.0])
