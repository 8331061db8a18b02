"""Attacks on a running stack, and their effect: the waiting time of others, and memory."""

import asyncio
import contextlib
import io
import os
import time
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import grpc.aio
import orjson
from sqlalchemy import TextClause, text
from zidimail.v1 import email_service_pb2 as pb
from zidimail.v1 import event_pb2, event_service_pb2, suppression_service_pb2

from tests.harness.ledger import store
from tests.harness.reading import reading
from tests.harness.stack import Organisation, Stack
from tests.harness.waiting import until

QUIET_S = 1.0
# Memory after an attack, as a multiple of that before, with the bytes that allocators keep warm; and the
# seconds within which it must be there.
MOST_MEMORY, WARM_BYTES, SETTLED_S = 1.2, 80 << 20, 10.0
TRIED_WITHIN_S = 10.0
_WAITING = text(
    "SELECT count(*) FROM emails WHERE org_id = :org_id AND created_at >= :since AND status = 'queued'"
)
# Emails that were not tried count as if it happened now.
_SLOWEST = text(
    """
    SELECT coalesce(max(coalesce((SELECT min(d.created_at) FROM events AS d WHERE d.org_id = e.org_id
        AND d.email_id = e.id AND d.type = 'email.delivered'), :now) - e.created_at), 0)
    FROM emails AS e WHERE e.org_id = :org_id AND e.created_at >= :since
    """
)


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of an attack on another organisation: the 99th percentiles of the seconds that its reads and
    its sends took, those after which the slowest of its emails was delivered, and bytes of memory."""

    quiet_s: float
    read_s: float
    sent_s: float
    tried_s: float
    memory_before: int
    memory_after: int

    @property
    def attacked_s(self) -> float:
        """The time of a request under attack, read or send."""
        return max(self.read_s, self.sent_s)

    def __str__(self) -> str:
        return (
            f"p99 of a GET {self.read_s * 1000:.0f} ms, of a send {self.sent_s * 1000:.0f} ms; tried after "
            f"{self.tried_s:.2f} s at most; "
            f"memory {self.memory_before >> 20} MiB, {self.memory_after >> 20} after"
        )


def memory(stack: Stack) -> int:
    """The resident bytes of server and edge together."""
    sizes = (
        Path(f"/proc/{pid}/statm").read_text().split()[1] for pid in (stack.server_pid(), stack.edge_pid())
    )
    return sum(map(int, sizes)) * os.sysconf("SC_PAGE_SIZE")


async def quiet_read_s(stack: Stack) -> float:
    """The 99th percentile of another organisation's reads while nothing happens, in seconds."""
    with reading(stack.http, stack.other.api_key) as reads:
        await asyncio.sleep(QUIET_S)
        return _slow(reads.seconds())


async def effect(stack: Stack, quiet_s: float, attack: Awaitable[object]) -> Effect:
    """Runs an attack while another organisation reads and sends."""
    before, began_ms = memory(stack), int(time.time() * 1000)
    key, sender = stack.other.api_key, f"a@{stack.other.domain}"
    with reading(stack.http, key) as reads, reading(stack.http, key, sender) as sends:
        await attack
        read_s, sent_s = _slow(reads.seconds()), _slow(sends.seconds())
    after = await _settled_memory(stack, MOST_MEMORY * before + WARM_BYTES)
    return Effect(quiet_s, read_s, sent_s, await _tried_s(stack, began_ms), before, after)


async def _settled_memory(stack: Stack, most: float) -> int:
    """The memory after an attack, as soon as it is below `most`, at the latest after `SETTLED_S`."""
    with contextlib.suppress(AssertionError):
        await until(lambda: memory(stack) <= most, within=SETTLED_S)
    return memory(stack)


async def _tried_s(stack: Stack, since_ms: int) -> float:
    """The time after which the slowest of the other organisation's emails was delivered, in seconds."""
    values: dict[str, object] = {"org_id": stack.other.org_id, "since": since_ms}

    def asked(query: TextClause) -> int:
        with store(stack.database_url) as connection:
            return int(connection.execute(query, values).scalar_one())

    with contextlib.suppress(AssertionError):
        await until(lambda: not asked(_WAITING), within=TRIED_WITHIN_S)
    values["now"] = int(time.time() * 1000)
    return asked(_SLOWEST) / 1000


def _slow(seconds: list[float]) -> float:
    return seconds[int(len(seconds) * 0.99)]


def email(domain: str, **fields: object) -> dict[str, Any]:
    """An email as JSON, with these fields instead of its own."""
    return {"from": f"a@{domain}", "to": ["ok@example.net"], "subject": "s", "text": "t", **fields}


def rest_bodies(domain: str) -> Mapping[str, tuple[str, bytes]]:
    """Paths and bodies of about 2 MB that take long, if each of their parts is looked at."""
    ats = ["@" * 250 + " <a@x.example>"] * 45
    wrong = [f"wrong{number}@@x" for number in range(50)]
    nested = b"[" * 400 + b"]" * 400
    large = orjson.dumps(email(domain, attachments=[{"filename": "a", "content": "QUJD" * 700_000}]))
    bodies = {
        "names full of @": ("batch", [email(domain, to=ats) for _ in range(100)]),
        "wrong recipients": ("batch", [email(domain, to=wrong) for _ in range(100)]),
        "many recipients": ("batch", [email(domain, to=["w"] * 4_000) for _ in range(100)]),
        "a text of commas": ("", email(domain, to="@," * 900_000)),
        "headers": ("", email(domain, headers={f"X-{number}": "v" for number in range(120_000)})),
        "tags": ("", email(domain, tags={f"t{number}": "v" for number in range(120_000)})),
        "unknown field": ("", email(domain, unknown=[[]] * 600_000)),
        "empty emails": ("batch", [{}] * 600_000),
    }
    return {
        **{
            name: (f"/v1/emails/{path}".rstrip("/"), orjson.dumps(body))
            for name, (path, body) in bodies.items()
        },
        "nested unknown field": ("/v1/emails", large[:-1] + b',"unknown":' + nested + b"}"),
    }


def rpc_bodies(domain: str) -> Mapping[str, tuple[str, bytes]]:
    """Methods and messages of several MB that take long, if each of their parts is looked at."""
    one = pb.SendEmailRequest(**{"from": f"a@{domain}"}, to=["ok@example.net"], subject="s", text="t")
    words = {f"X-{number}": "=?utf-8?q?a?= " * 500 for number in range(45)}
    encoded = pb.SendEmailRequest(headers=words)
    encoded.MergeFrom(one)
    to = pb.SendEmailRequest.DESCRIPTOR.fields_by_name["to"].number
    suppressions = suppression_service_pb2.BatchAddSuppressionsRequest(emails=["a@b.example"] * 150_000)
    types = event_service_pb2.ListEventsRequest(types=[event_pb2.EVENT_TYPE_EMAIL_SENT] * 2_000_000)
    emails = "zidimail.v1.EmailService"
    return {
        "encoded words": (
            f"{emails}/BatchSendEmails",
            pb.BatchSendEmailsRequest(emails=[encoded] * 40).SerializeToString(),
        ),
        "empty recipients": (
            f"{emails}/SendEmail",
            one.SerializeToString() + bytes([to << 3 | 2, 0]) * (8 << 20),
        ),
        "empty emails": (f"{emails}/BatchSendEmails", b"\n\0" * (4 << 20)),
        "unknown fields": (f"{emails}/SendEmail", one.SerializeToString() + b"\xf8\x7f\x01" * (2 << 20)),
        "suppressions": (
            "zidimail.v1.SuppressionService/BatchAddSuppressions",
            suppressions.SerializeToString(),
        ),
        "types": ("zidimail.v1.EventService/ListEvents", types.SerializeToString()),
    }


async def post(
    stack: Stack, path: str, body: bytes, *, times: int, by: Organisation | None = None
) -> list[int]:
    """Posts a body as the owner or `by` another, `times` at once; returns the statuses."""
    headers = {"authorization": f"Bearer {(by or stack.owner).api_key}", "content-type": "application/json"}
    async with aiohttp.ClientSession(headers=headers) as session:

        async def one() -> int:
            async with session.post(stack.http + path, data=io.BytesIO(body)) as answer:
                await answer.read()
                return answer.status

        return list(await asyncio.gather(*(one() for _ in range(times))))


async def call(
    stack: Stack, method: str, body: bytes, *, times: int, by: Organisation | None = None
) -> list[grpc.StatusCode]:
    """Calls a method with a serialised message as the owner or `by` another, `times` at once; returns the
    status codes."""
    options = [("grpc.max_send_message_length", 64 << 20)]
    async with grpc.aio.insecure_channel(stack.grpc, options=options) as channel:
        # Any: the message is bytes on both sides.
        rpc: Any = channel.unary_unary(f"/{method}")

        async def one() -> grpc.StatusCode:
            try:
                await rpc(body, metadata=(("authorization", f"Bearer {(by or stack.owner).api_key}"),))
            except grpc.aio.AioRpcError as error:
                return error.code()
            return grpc.StatusCode.OK

        return list(await asyncio.gather(*(one() for _ in range(times))))
