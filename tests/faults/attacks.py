"""The long form of the attacks: each for a while, and thousands of idle streams."""

import asyncio
import os
import time
from pathlib import Path

import grpc.aio
from zidimail.v1 import event_service_pb2, event_service_pb2_grpc

from tests.harness.attack import call, effect, post, quiet_read_s, rest_bodies, rpc_bodies
from tests.harness.stack import Stack

STREAMS = 5_000
# Streams that begin together, and streams of one connection.
AT_ONCE, OF_ONE = 100, 900
# The processor time that idle streams may cost, as a share of one core.
STREAMS_SHARE = 0.05
WATCHED_S = 10.0
# Seconds of a read during an attack: aimed at is 0.05 on a quiet machine with a core for each program.
MOST_S = 0.5
MOST_MEMORY = 1.2
WARM_BYTES = 80 << 20


async def run(folder: Path, seconds: float) -> list[str]:
    """Attacks for `seconds` each, and prints a line for each; returns the broken promises."""
    limits = {"ZIDIMAIL_STREAMS_OF_CALLER": "10000", "ZIDIMAIL_STREAMS_OF_ORGANISATION": "10000"}
    broken: list[str] = []
    with Stack(folder, env=limits) as stack:
        quiet_s = await quiet_read_s(stack)
        attacks = {
            **{name: (post, *body) for name, body in rest_bodies(stack.domain).items()},
            **{f"gRPC: {name}": (call, *body) for name, body in rpc_bodies(stack.domain).items()},
        }
        for name, (attack, place, body) in attacks.items():

            async def repeat() -> None:
                end = time.monotonic() + seconds
                while time.monotonic() < end:
                    await attack(stack, place, body, times=4)  # noqa: B023

            found = await effect(stack, quiet_s, repeat())
            print(f"{name}: {found}")
            if found.attacked_s > MOST_S or (
                found.memory_after > MOST_MEMORY * found.memory_before + WARM_BYTES
            ):
                broken.append(name)
        share = await idle_streams(stack)
        print(f"{STREAMS} idle streams: {share:.1%} of a core")
        if share > STREAMS_SHARE:
            broken.append("idle streams")
    return broken


async def idle_streams(stack: Stack) -> float:
    """The processor time that the server takes for idle streams, as a share of one core."""
    before = await _share(stack)
    channels = [stack.channel(number) for number in range(STREAMS // OF_ONE + 1)]
    metadata = (("authorization", f"Bearer {stack.api_key}"),)
    for _ in range(STREAMS // AT_ONCE):
        streams = [
            event_service_pb2_grpc.EventServiceStub(channels[at % len(channels)]).WatchEvents(
                event_service_pb2.WatchEventsRequest(), metadata=metadata
            )
            for at in range(AT_ONCE)
        ]
        _open.extend(streams)
        await asyncio.gather(*(stream.initial_metadata() for stream in streams))
    share = await _share(stack) - before
    for channel in channels:
        await channel.close()
    _open.clear()
    return share


# A stream that nothing refers to is cancelled.
_open: list[grpc.aio.UnaryStreamCall[object, object]] = []


async def _share(stack: Stack) -> float:
    before = _processor_s(stack.server_pid())
    await asyncio.sleep(WATCHED_S)
    return (_processor_s(stack.server_pid()) - before) / WATCHED_S


def _processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
