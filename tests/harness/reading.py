"""Reads or sends of one caller, in a process of their own: nothing in the test's process delays them."""

import http.client
import json
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
    """Requests that go on until their seconds are asked for."""

    def __init__(self, over: Event, results: "Connection[object, list[float]]") -> None:
        self._over = over
        self._results = results

    def seconds(self) -> list[float]:
        """Ends the requests; the seconds that each took, sorted."""
        self._over.set()
        return sorted(self._results.recv())


@contextmanager
def reading(url: str, key: str, sender: str = "") -> Iterator[Reading]:
    """Reads the emails of a key, or sends one from `sender`, one request after the other; it has begun when
    this is entered."""
    spawn = get_context("spawn")
    over = spawn.Event()
    results, end = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_request, args=(url, key, sender, over, end))
    process.start()
    try:
        results.recv()
        yield Reading(over, results)
    finally:
        over.set()
        process.join()


def _request(url: str, key: str, sender: str, over: Event, results: "Connection[object, object]") -> None:
    seconds: list[float] = []
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    email = {"from": sender, "to": ["ok@example.net"], "subject": "s", "text": "t"}
    turn = 0
    while turn <= UNMEASURED or not over.is_set():
        began = time.perf_counter()
        if sender:
            connection.request("POST", "/v1/emails", json.dumps(email), headers)
        else:
            connection.request("GET", "/v1/emails?limit=1", headers=headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
        if turn > UNMEASURED:
            seconds.append(time.perf_counter() - began)
        elif turn == UNMEASURED:
            results.send([])
        turn += 1
        time.sleep(PAUSE_S)
    connection.close()
    results.send(seconds or [0.0])
