"""Clients that send without pause while the server is killed."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import aiohttp
import grpc
import grpc.aio
from zidimail.v1 import email_service_pb2, email_service_pb2_grpc

from tests.harness.ledger import LEDGER_HEADER, ClientBook
from tests.harness.stack import Stack

# Outcomes that leave a client not knowing: it sends again with the same idempotency key.
RETRIED_STATUSES = frozenset({502, 503, 504})
RETRIED_CODES = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        # gRPC's own answer to a call that reaches a server in the moment of its stop.
        grpc.StatusCode.CANCELLED,
    }
)
RETRY_PAUSE_S = 0.05
CALL_TIMEOUT_S = 20.0
# A tenth of these addresses is refused for good, which would pause the account of a customer.
NEVER_PAUSED = {"ZIDIMAIL_BOUNCE_LIMIT": "off"}
DESTINATIONS = ("ok", "ok", "ok", "ok", "ok", "ok", "ok", "ok", "550-rcpt", "451-rcpt")


class Surprise(Exception):
    """The server refused an email that is in order."""


class Senders:
    """A number of clients, half over REST and half over gRPC, each with one send in flight.

    `only_away` is for a stack whose own programs stay alive: then nothing but 503 with a Retry-After, and
    UNAVAILABLE with a RetryInfo, may come instead of an acknowledgement.
    """

    def __init__(self, stack: Stack, book: ClientBook, *, count: int = 4, only_away: bool = False) -> None:
        self._only_away = only_away
        self._stack = stack
        self._book = book
        self._count = count
        self._numbers = itertools.count(1)
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.retries: Counter[str] = Counter()

    def start(self) -> None:
        """Begins to send."""
        senders = (self._over_rest, self._over_grpc)
        self._tasks = [asyncio.create_task(senders[n % 2]()) for n in range(self._count)]

    async def stop(self) -> None:
        """Stops after each client's present send has its answer. Raises what a client raised."""
        self._stopping.set()
        await asyncio.gather(*self._tasks)

    def check(self) -> None:
        """Raises what a client raised so far."""
        for task in self._tasks:
            if task.done():
                task.result()

    def _next(self) -> tuple[str, list[str]]:
        number = next(self._numbers)
        ledger_id = f"ledger-{number}"
        recipients = [
            f"{random.choice(DESTINATIONS)}+{number}.{n}@site{number % 3}.test"
            for n in range(1 if number % 4 else 3)
        ]
        self._book.submitting(ledger_id, recipients)
        return ledger_id, recipients

    def _email(self, ledger_id: str, recipients: list[str]) -> dict[str, Any]:
        return {
            "from": f"Ledger <ledger@{self._stack.domain}>",
            "to": recipients,
            "subject": f"Entry {ledger_id}",
            "text": "One line of the books.",
            "headers": {LEDGER_HEADER: ledger_id},
        }

    async def _over_rest(self) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CALL_TIMEOUT_S)) as session:
            while not self._stopping.is_set():
                ledger_id, recipients = self._next()
                await self._insist(ledger_id, partial(self._post, session, ledger_id, recipients))

    async def _post(
        self, session: aiohttp.ClientSession, ledger_id: str, recipients: list[str]
    ) -> str | None:
        headers = {"Authorization": f"Bearer {self._stack.api_key}", "Idempotency-Key": ledger_id}
        email = self._email(ledger_id, recipients)
        try:
            async with session.post(f"{self._stack.http}/v1/emails", json=email, headers=headers) as answer:
                if answer.status == 200:
                    return str((await answer.json())["id"])
                is_away = answer.status == 503 and "Retry-After" in answer.headers
                if not is_away and (self._only_away or answer.status not in RETRIED_STATUSES):
                    raise Surprise(f"REST {answer.status}: {await answer.text()}")
                self.retries[f"REST {answer.status}"] += 1
        except (aiohttp.ClientError, TimeoutError) as error:
            if self._only_away:
                raise Surprise(f"REST {type(error).__name__}") from error
            self.retries[f"REST {type(error).__name__}"] += 1
        return None

    async def _over_grpc(self) -> None:
        options = [("grpc.max_reconnect_backoff_ms", 200), ("grpc.initial_reconnect_backoff_ms", 50)]
        async with grpc.aio.insecure_channel(self._stack.grpc, options=options) as channel:
            stub = email_service_pb2_grpc.EmailServiceStub(channel)
            while not self._stopping.is_set():
                ledger_id, recipients = self._next()
                await self._insist(ledger_id, partial(self._call, stub, ledger_id, recipients))

    async def _insist(self, ledger_id: str, send: Callable[[], Awaitable[str | None]]) -> None:
        """Sends until there is an answer, always with the same idempotency key."""
        while True:
            email_id = await send()
            if email_id is not None:
                self._book.acknowledge(ledger_id, email_id)
                return
            await asyncio.sleep(RETRY_PAUSE_S)

    async def _call(
        self, stub: email_service_pb2_grpc.EmailServiceStub, ledger_id: str, recipients: list[str]
    ) -> str | None:
        request = email_service_pb2.SendEmailRequest(
            **self._email(ledger_id, recipients),
            idempotency_key=ledger_id,
        )
        metadata = (("authorization", f"Bearer {self._stack.api_key}"),)
        try:
            answer = await stub.SendEmail(request, metadata=metadata, timeout=CALL_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            is_away = error.code() is grpc.StatusCode.UNAVAILABLE and _has_retry_info(error)
            if not is_away and (self._only_away or error.code() not in RETRIED_CODES):
                raise Surprise(f"gRPC {error.code().name}: {error.details()}") from error
            self.retries[f"gRPC {error.code().name}"] += 1
            return None
        return str(answer.id)


def _has_retry_info(error: grpc.aio.AioRpcError) -> bool:
    details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
    return b"google.rpc.RetryInfo" in (details if isinstance(details, bytes) else details.encode())
