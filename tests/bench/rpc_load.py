"""A gRPC load generator: callers that send ready-made requests, one at a time each.

A process of its own (`python -m tests.bench.rpc_load`); it reads one `RpcLoad` as JSON on stdin and prints
the emails accepted in a second.
"""

import asyncio
import itertools
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

import grpc.aio
import orjson
import uvloop
from google.protobuf import json_format
from zidimail.v1 import email_service_pb2

from tests.bench.load import NUMBER, numbered

BATCH = "/zidimail.v1.EmailService/BatchSendEmails"
SINGLE = "/zidimail.v1.EmailService/SendEmail"


@dataclass(frozen=True, slots=True)
class RpcLoad:
    """The load: the email of the JSON `body`, `batch` to a call, from `callers` at once, for `seconds`.

    Each `NUMBER` in the body becomes a number of the call. A `batch` of 0 means SendEmail. The calls of the
    first `warm_up` seconds are not counted.
    """

    target: str
    body: str
    authorization: str
    batch: int = 100
    callers: int = 4
    seconds: float = 5.0
    warm_up: float = 1.0


def run(load: RpcLoad) -> float:
    """Emails accepted in a second, sent by a process of its own.

    Raises `subprocess.CalledProcessError` when a call fails.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.rpc_load"],
        input=orjson.dumps(asdict(load)),
        stdout=subprocess.PIPE,
        check=True,
    )
    return float(done.stdout)


def _template(load: RpcLoad) -> bytes:
    if not load.batch:
        return _email(load.body).SerializeToString()
    # The items of one call differ by what stands before the number.
    emails = [_email(load.body.replace(NUMBER, f"{item}-{NUMBER}")) for item in range(load.batch)]
    return email_service_pb2.BatchSendEmailsRequest(emails=emails).SerializeToString()


def _email(body: str) -> email_service_pb2.SendEmailRequest:
    return json_format.Parse(body, email_service_pb2.SendEmailRequest())


async def _generate(load: RpcLoad) -> float:
    template = _template(load)
    # Another beginning for every run, so that no run repeats the recipients of the one before.
    numbers = itertools.count(time.time_ns() // 1_000)
    metadata = (("authorization", load.authorization),)
    finished: list[float] = []
    async with grpc.aio.insecure_channel(load.target) as channel:
        # The requests are bytes already, and an answer need not be read to be counted.
        call = channel.unary_unary(BATCH if load.batch else SINGLE, bytes, bytes)
        begin = time.perf_counter() + load.warm_up
        end = begin + load.seconds

        async def caller() -> None:
            while time.perf_counter() < end:
                await call(numbered(template, next(numbers)), metadata=metadata)
                finished.append(time.perf_counter())

        await asyncio.gather(*(caller() for _ in range(load.callers)))
    counted = sum(begin <= at < end for at in finished)
    return counted * (load.batch or 1) / load.seconds


def main() -> None:
    """Reads a load, runs it, prints the rate."""
    print(uvloop.run(_generate(RpcLoad(**orjson.loads(sys.stdin.buffer.read())))))


if __name__ == "__main__":
    main()
