"""Attacks with few bytes: hosts that answer without end, webhooks without number, searches, a full queue of
scheduled emails, and callers whom nobody knows."""

import asyncio
import io
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
import grpc.aio
import orjson

from tests.harness.attack import email
from tests.harness.hostile_server import HostileServer
from tests.harness.organisations import Organisation
from tests.harness.stack import Stack
from tests.harness.webhook_sink import WebhookSink

_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ANSWERS: Mapping[str, tuple[bytes, bytes]] = {
    "interim answers without end": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "chunks of one byte": (_CHUNKED, b"1\r\nx\r\n"),
    "a chunk extension without end": (_CHUNKED + b"1;a=", b"b"),
    "blank lines before the answer": (b"", b"\r\n"),
}
AT_ONCE = 8
WEBHOOKS, TEST_MAILS = 200, 20
SUBJECTS, SUBJECT = 10_000, "a" * 256
SPELLINGS = 128

Attack = Callable[[float], Awaitable[None]]


class SmallAttacks:
    """The attacks of one organisation on a running stack; each takes the seconds for which it lasts."""

    def __init__(self, stack: Stack, attacker: Organisation) -> None:
        self._stack = stack
        self._attacker = attacker

    def by_name(self) -> Mapping[str, Attack]:
        """The attacks."""
        links = {f"link to {name}": self._to_host(self._links, *answer) for name, answer in ANSWERS.items()}
        tests = {
            f"webhook test of {name}": self._to_host(self._webhook_tests, *answer)
            for name, answer in ANSWERS.items()
        }
        return {
            **links,
            **tests,
            f"{WEBHOOKS} webhooks, {TEST_MAILS} test mails": self._many_webhooks,
            f"searches over {SUBJECTS} own subjects": self._searches,
            "batch of numbers with a wrong key": self._wrong_key(
                "/v1/emails/batch", {"emails": [1] * 40_000}
            ),
            f"{SPELLINGS} spellings of a header with a wrong key": self._wrong_key(
                "/v1/emails", email(self._stack.domain, reply_to="r" * 15_000, headers=_spellings())
            ),
            "messages of 60 MiB with a wrong key": self._unknown_messages,
        }

    def _to_host(self, attack: Callable[[str, float], Awaitable[None]], head: bytes, rest: bytes) -> Attack:
        async def run(seconds: float) -> None:
            with HostileServer(head, rest) as host:
                await attack(host.url, seconds)

        return run

    async def _links(self, url: str, seconds: float) -> None:
        body = email(self._attacker.domain, attachments=[{"filename": "a", "path": url}])
        await self._repeat(seconds, "POST", "/v1/emails", body)

    async def _webhook_tests(self, url: str, seconds: float) -> None:
        async with self._session() as session:
            body = {"endpoint": url, "events": ["email.sent"]}
            async with session.post("/v1/webhooks", json=body) as answer:
                id = (await answer.json())["id"]
            await self._repeat(seconds, "POST", f"/v1/webhooks/{id}/test", {})
            async with session.delete(f"/v1/webhooks/{id}") as answer:
                await answer.read()

    async def _many_webhooks(self, seconds: float) -> None:
        async with WebhookSink(keep=False) as sink, self._session() as session:
            ids = []
            for number in range(WEBHOOKS):
                body = {"endpoint": f"{sink.url}/{number}", "events": ["email.sent", "email.delivered"]}
                async with session.post("/v1/webhooks", json=body) as answer:
                    if answer.status < 300:
                        ids.append((await answer.json())["id"])
            end = time.monotonic() + seconds
            for _ in range(TEST_MAILS):
                async with session.post("/v1/emails", json=email(self._attacker.domain)) as answer:
                    await answer.read()
            await asyncio.sleep(max(0.0, end - time.monotonic()))
            for id in ids:
                async with session.delete(f"/v1/webhooks/{id}") as answer:
                    await answer.read()

    async def _searches(self, seconds: float) -> None:
        async with self._session() as session:
            batch = [email(self._attacker.domain, subject=SUBJECT) for _ in range(100)]
            for _ in range(SUBJECTS // 100):
                async with session.post("/v1/emails/batch", json=batch) as answer:
                    assert answer.status == 200, await answer.text()
        await self._repeat(seconds, "GET", f"/v1/emails?search={SUBJECT[1:]}b")

    def _wrong_key(self, path: str, body: Any) -> Attack:
        async def run(seconds: float) -> None:
            headers = {"authorization": "Bearer zm_live_wrong", "x-batch-validation": "permissive"}
            await self._repeat(seconds, "POST", path, body, headers)

        return run

    async def _unknown_messages(self, seconds: float) -> None:
        message, end = bytes(60 << 20), time.monotonic() + seconds
        options = [("grpc.max_send_message_length", 64 << 20)]
        metadata = (("authorization", "Bearer zm_live_wrong"),)
        async with grpc.aio.insecure_channel(self._stack.grpc, options=options) as channel:
            # Any: the message is bytes on both sides.
            rpc: Any = channel.unary_unary("/zidimail.v1.EmailService/SendEmail")
            while time.monotonic() < end:
                calls = [rpc(message, metadata=metadata) for _ in range(4)]
                await asyncio.gather(*calls, return_exceptions=True)

    async def _repeat(
        self, seconds: float, verb: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> None:
        end = time.monotonic() + seconds
        text = b"" if body is None else orjson.dumps(body)
        headers = {"content-type": "application/json", **(headers or {})}

        async def one(session: aiohttp.ClientSession) -> None:
            while time.monotonic() < end:
                async with session.request(verb, path, data=io.BytesIO(text), headers=headers) as answer:
                    await answer.read()
                    assert answer.status < 500, (path, answer.status)

        async with self._session() as session:
            await asyncio.gather(*(one(session) for _ in range(AT_ONCE)))

    def _session(self) -> aiohttp.ClientSession:
        headers = {"authorization": f"Bearer {self._attacker.api_key}"}
        return aiohttp.ClientSession(self._stack.http, headers=headers)


def _spellings() -> dict[str, str]:
    """A header's name with another mix of cases for each entry."""
    name = "reply-to"
    return {
        "".join(letter.upper() if number >> at & 1 else letter for at, letter in enumerate(name)): "r"
        * 15_000
        for number in range(SPELLINGS)
    }
