"""A gRPC load generator: callers that send ready-made requests, one at a time each.

A process of its own (`python -m tests.bench.rpc_load`); it reads one `RpcLoad` as JSON on stdin and prints
the emails accepted in a second.
"""

import asyncio
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

import grpc.aio
import orjson
import uvloop
from google.protobuf import json_format
from zidimail.v1 import email_service_pb2

BATCH = "/zidimail.v1.EmailService/BatchSendEmails"
SINGLE = "/zidimail.v1.EmailService/SendEmail"


@dataclass(frozen=True, slots=True)
class RpcLoad:
    """What to send: the JSON `bodies` in turn, `batch` to a call, from `callers` at once, for `seconds`.

    A `batch` of 0 means SendEmail. The calls of the first `warm_up` seconds are not counted.
    """

    target: str
    bodies: list[str]
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


def _requests(load: RpcLoad) -> list[bytes]:
    emails = [json_format.Parse(body, email_service_pb2.SendEmailRequest()) for body in load.bodies]
    if not load.batch:
        return [email.SerializeToString() for email in emails]
    return [
        email_service_pb2.BatchSendEmailsRequest(
            emails=[emails[(first + number) % len(emails)] for number in range(load.batch)]
        ).SerializeToString()
        for first in range(0, len(emails), load.batch)
    ]


async def _generate(load: RpcLoad) -> float:
    requests = _requests(load)
    metadata = (("authorization", load.authorization),)
    finished: list[float] = []
    async with grpc.aio.insecure_channel(load.target) as channel:
        # The requests are bytes already, and an answer need not be read to be counted.
        call = channel.unary_unary(BATCH if load.batch else SINGLE, bytes, bytes)
        begin = time.perf_counter() + load.warm_up
        end = begin + load.seconds

        async def caller(number: int) -> None:
            while time.perf_counter() < end:
                await call(requests[number % len(requests)], metadata=metadata)
                finished.append(time.perf_counter())
                number += load.callers

        await asyncio.gather(*(caller(number) for number in range(load.callers)))
    counted = sum(begin <= at < end for at in finished)
    return counted * (load.batch or 1) / load.seconds


def main() -> None:
    """Reads a load, runs it, prints the rate."""
    print(uvloop.run(_generate(RpcLoad(**orjson.loads(sys.stdin.buffer.read())))))


if __name__ == "__main__":
    main()
