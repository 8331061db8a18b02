"""The long form of the attacks: each for a while, and thousands of idle streams."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import grpc.aio
from zidimail.v1 import event_service_pb2, event_service_pb2_grpc

from tests.faults.hosts import Attack, SmallAttacks
from tests.harness.attack import (
    MOST_MEMORY,
    WARM_BYTES,
    call,
    effect,
    post,
    quiet_read_s,
    rest_bodies,
    rpc_bodies,
)
from tests.harness.large_sends import rest_sends, rpc_sends
from tests.harness.organisations import Kind, Organisation
from tests.harness.stack import Stack

STREAMS = 5_000
# Streams that begin together, and streams of one connection.
AT_ONCE, OF_ONE = 100, 900
# The processor time that idle streams may cost, as a share of one core.
STREAMS_SHARE = 0.05
WATCHED_S = 10.0
# Seconds of another organisation's read and single send during an attack, and until its email is tried: on a
# quiet machine with a core for each program.
MOST_S, TRIED_S = 0.1, 2.0
# Large bodies at once, and others.
LARGE, OTHERS = 3, 4
_AMPLE = {"burst": "1000000", "daily": "1000000", "monthly": "1000000", "unique": "1000000"}
KINDS = {"large": Kind(["--plan", "scale"], _AMPLE)}


async def run(folder: Path, seconds: float, *, names: str = "") -> list[str]:
    """Attacks for `seconds` each, and prints a line for each; returns the broken promises.

    Only those whose name contains `names`.
    """
    limits = {"ZIDIMAIL_STREAMS_OF_CALLER": "10000", "ZIDIMAIL_STREAMS_OF_ORGANISATION": "10000"}
    broken: list[str] = []
    stack = Stack(folder, env=limits, kinds=KINDS)
    await asyncio.to_thread(stack.start)
    try:
        quiet_s = await quiet_read_s(stack)
        print(f"p99 of a GET while nothing happens: {quiet_s * 1000:.0f} ms", flush=True)
        for name, attack in _attacks(stack).items():
            if names not in name:
                continue
            found = await effect(stack, quiet_s, attack(seconds))
            print(f"{name}: {found}", flush=True)
            is_heavy = found.memory_after > MOST_MEMORY * found.memory_before + WARM_BYTES
            if found.attacked_s > MOST_S or found.tried_s > TRIED_S or is_heavy:
                broken.append(name)
        if names in "idle streams":
            share = await idle_streams(stack)
            print(f"{STREAMS} idle streams: {share:.1%} of a core")
            if share > STREAMS_SHARE:
                broken.append("idle streams")
    finally:
        await asyncio.to_thread(stack.stop)
    return broken


def _attacks(stack: Stack) -> Mapping[str, Attack]:
    large = stack.orgs["large"]
    calls: dict[str, Attack] = {}
    for at_once, rest, rpc, attacker in (
        (OTHERS, rest_bodies(stack.domain), rpc_bodies(stack.domain), stack.owner),
        (LARGE, rest_sends(large.domain), rpc_sends(large.domain), large),
    ):
        for name, (path, body) in rest.items():
            calls[name] = _repeated(stack, post, path, body, attacker, at_once)
        for name, (method, body) in rpc.items():
            calls[f"gRPC: {name}"] = _repeated(stack, call, method, body, attacker, at_once)
    return {**calls, **SmallAttacks(stack, large).by_name()}


def _repeated(
    stack: Stack,
    attack: Callable[..., Awaitable[object]],
    place: str,
    body: bytes,
    by: Organisation,
    times: int,
) -> Attack:
    """An attack that sends a body again and again, several at once."""

    async def run(seconds: float) -> None:
        end = time.monotonic() + seconds

        async def repeat() -> None:
            while time.monotonic() < end:
                await attack(stack, place, body, times=1, by=by)

        await asyncio.gather(*(repeat() for _ in range(times)))

    return run


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
