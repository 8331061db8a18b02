"""Quotas and idempotency are exact under concurrent sends: Z-43 to Z-45, C-2, C-13, F-1, F-9.

64 senders at once, half of them over REST and half over gRPC, spread over two servers with an edge each that
share a PostgreSQL; and over one server on SQLite.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from typing import Any, Protocol

import grpc.aio
import pytest
from google.protobuf.json_format import ParseDict
from google.rpc import error_details_pb2, status_pb2
from zidimail.v1 import email_service_pb2 as pb
from zidimail.v1 import email_service_pb2_grpc, usage_service_pb2, usage_service_pb2_grpc

from tests.harness.organisations import Kind, Organisation
from tests.harness.postgres import Postgres
from tests.harness.rest import Rest
from tests.harness.stack import Replica, Stack
from tests.harness.waiting import until_the_day_is_long

Json = dict[str, Any]
Used = tuple[int, int, int]
"""Recipients today, recipients this month, different addresses this month."""

SENDERS = 64
ROOM = 100
ASKED = (3, 2, 1, 1)
"""The recipients of each email that a sender sends. The last ones of all senders are more than there is room
for: of a place that is free at the end, one of them would have been refused."""

AMPLE = {"daily": "100000", "monthly": "100000", "unique": "100000", "burst": "100000"}
KINDS = {
    "daily": Kind(["--plan", "free"], AMPLE | {"daily": str(ROOM)}),
    "monthly": Kind(["--plan", "free"], AMPLE | {"monthly": str(ROOM)}),
    "unique": Kind(["--plan", "free"], AMPLE | {"unique": str(ROOM)}),
    "repeats": Kind(["--plan", "free"], AMPLE),
    "edited": Kind(["--plan", "starter"], {"burst": "100000"}),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """The limit that an email did not fit into."""

    name: str
    limit: int
    resets_at: datetime
    retry_after_s: float


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to an accepted send: the ids of the emails."""

    ids: Sequence[str]
    replayed: bool


class Client(Protocol):
    """A client of one server over one protocol, with one credential."""

    async def send(self, email: Json, key: str | None = None) -> Answer | Refusal:
        """Sends an email."""

    async def send_batch(self, emails: Sequence[Json], key: str) -> Answer | Refusal:
        """Sends a batch."""

    async def used(self) -> Used:
        """The usage of the organisation."""


class RestClient:
    """The edge of a server."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def send(self, email: Json, key: str | None = None) -> Answer | Refusal:
        return await self._post("/v1/emails", email, key)

    async def send_batch(self, emails: Sequence[Json], key: str) -> Answer | Refusal:
        return await self._post("/v1/emails/batch", emails, key)

    async def used(self) -> Used:
        usage = (await self._rest.get("/v1/usage")).body
        return usage["daily"]["used"], usage["monthly"]["used"], usage["unique_recipients"]["used"]

    async def _post(self, path: str, body: Any, key: str | None) -> Answer | Refusal:
        headers = {} if key is None else {"Idempotency-Key": key}
        answer = await self._rest.call("POST", path, body, headers=headers)
        if answer.status == 429:
            assert answer.headers["ratelimit-reset"] == answer.headers["retry-after"]
            return Refusal(
                answer.body["error"],
                int(answer.headers["ratelimit-limit"]),
                datetime.fromisoformat(answer.body["resetsAt"]),
                float(answer.headers["retry-after"]),
            )
        assert answer.status == 200, answer
        ids = [email["id"] for email in answer.body.get("data", [answer.body])]
        return Answer(ids, answer.headers.get("idempotent-replayed") == "true")


class GrpcClient:
    """The server itself."""

    def __init__(self, channel: grpc.aio.Channel, api_key: str) -> None:
        self._emails = email_service_pb2_grpc.EmailServiceStub(channel)
        self._usage = usage_service_pb2_grpc.UsageServiceStub(channel)
        self._metadata = (("authorization", f"Bearer {api_key}"),)

    async def send(self, email: Json, key: str | None = None) -> Answer | Refusal:
        request = ParseDict(email, pb.SendEmailRequest(idempotency_key=key))
        try:
            sent = await self._emails.SendEmail(request, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            return _refusal(error)
        return Answer([sent.id], sent.replayed)

    async def send_batch(self, emails: Sequence[Json], key: str) -> Answer | Refusal:
        request = ParseDict({"emails": emails}, pb.BatchSendEmailsRequest(idempotency_key=key))
        answer = await self._emails.BatchSendEmails(request, metadata=self._metadata)
        return Answer([result.sent.id for result in answer.results], answer.replayed)

    async def used(self) -> Used:
        usage = await self._usage.GetUsage(usage_service_pb2.GetUsageRequest(), metadata=self._metadata)
        return usage.daily.used, usage.monthly.used, usage.unique_recipients.used


def _refusal(error: grpc.aio.AioRpcError) -> Refusal:
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED, error
    trailers: Any = error.trailing_metadata()
    status = status_pb2.Status.FromString(dict(trailers)["grpc-status-details-bin"])
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(retry)
    return Refusal(
        info.reason,
        int(info.metadata["limit"]),
        datetime.fromisoformat(info.metadata["resets_at"]),
        retry.retry_delay.ToMilliseconds() / 1000,
    )


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Stack]]:
    """One server: SQLite belongs to one."""
    with Stack(tmp_path_factory.mktemp("exact"), kinds=KINDS) as stack:
        yield [stack]


@pytest.fixture(scope="module")
def on_postgresql(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, postgres_template: str
) -> Iterator[list[Stack]]:
    """Two servers."""
    url = postgres.create_database(postgres_template)
    with (
        Stack(tmp_path_factory.mktemp("exact"), database_url=url, kinds=KINDS) as first,
        Replica(first, tmp_path_factory.mktemp("exact-replica")) as second,
    ):
        yield [first, second]
    postgres.drop_database(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def servers(request: pytest.FixtureRequest) -> list[Stack]:
    """The servers of one store, when the day is long enough for a test."""
    servers: list[Stack] = request.getfixturevalue(f"on_{request.param}")
    until_the_day_is_long()
    return servers


@asynccontextmanager
async def clients_of(servers: Sequence[Stack], organisation: Organisation) -> AsyncIterator[list[Client]]:
    """A REST and a gRPC client of every server."""
    async with AsyncExitStack() as opened:
        clients: list[Client] = []
        for server in servers:
            clients.append(
                RestClient(await opened.enter_async_context(Rest(server.http, organisation.api_key)))
            )
            channel = await opened.enter_async_context(server.channel())
            clients.append(GrpcClient(channel, organisation.api_key))
        yield clients


async def emails_of(server: Stack, organisation: Organisation) -> int:
    """The number of emails of the organisation."""
    async with Rest(server.http, organisation.api_key) as rest:
        total: int = (await rest.get("/v1/emails")).body["total"]
        return total


def email_to(organisation: Organisation, *to: str) -> Json:
    return {"from": f"a@{organisation.domain}", "to": list(to), "subject": "Hello", "text": "Hi."}


def next_day() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def next_month() -> datetime:
    first = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)


@pytest.mark.parametrize(
    ("limited", "names", "resets_at"),
    [
        ("daily", {"DAILY_QUOTA_EXCEEDED", "The daily quota is used up."}, next_day),
        ("monthly", {"MONTHLY_QUOTA_EXCEEDED", "The monthly quota is used up."}, next_month),
        ("unique", {"RECIPIENT_CAP_EXCEEDED", "The number of different recipients is reached."}, next_month),
    ],
)
async def test_64_concurrent_senders_use_exactly_the_quota(
    servers: list[Stack], limited: str, names: set[str], resets_at: Callable[[], datetime]
) -> None:
    """Z-43 to Z-45, C-2, C-13, F-9: as many recipients as there is room for, and not one more or less."""
    organisation = servers[0].orgs[limited]
    accepted: list[str] = []
    refused: list[Refusal] = []
    emails = 0

    async def sender(number: int, client: Client) -> None:
        nonlocal emails
        for turn, recipients in enumerate(ASKED):
            to = [f"u{number}-{turn}-{n}@example.net" for n in range(recipients)]
            if recipients > 1:
                # A recipient that all senders share counts once as a different recipient.
                to[0] = "everybody@example.net"
            began = datetime.now(UTC)
            outcome = await client.send(email_to(organisation, *to))
            if isinstance(outcome, Answer):
                emails += 1
                accepted.extend(to)
            else:
                refused.append(outcome)
                lengthened = outcome.resets_at - began + timedelta(seconds=1)
                assert outcome.resets_at - datetime.now(UTC) <= _seconds(outcome) <= lengthened

    async with clients_of(servers, organisation) as clients:
        await asyncio.gather(
            *(sender(number, client) for number, client in enumerate(islice(cycle(clients), SENDERS)))
        )
        usages = {await client.used() for client in clients}
    recipients, different = len(accepted), len(set(accepted))
    assert (different if limited == "unique" else recipients) == ROOM
    assert usages == {(recipients, recipients, different)}
    assert await emails_of(servers[0], organisation) == emails
    assert {refusal.name for refusal in refused} == names
    assert {(refusal.limit, refusal.resets_at) for refusal in refused} == {(ROOM, resets_at())}


def _seconds(refusal: Refusal) -> timedelta:
    return timedelta(seconds=refusal.retry_after_s)


async def test_64_concurrent_sends_with_one_idempotency_key_make_one_email(servers: list[Stack]) -> None:
    """F-1, DESIGN principle 5: one is accepted, and all senders get its answer."""
    await _repeat(servers, lambda client, email: client.send(email, "send-once"), emails=1)


async def test_64_concurrent_batches_with_one_idempotency_key_make_one_batch(servers: list[Stack]) -> None:
    """F-1."""
    await _repeat(servers, lambda client, email: client.send_batch([email] * 3, "send-three"), emails=3)


async def _repeat(
    servers: list[Stack], send: Callable[[Client, Json], Awaitable[Answer | Refusal]], *, emails: int
) -> None:
    organisation = servers[0].orgs["repeats"]
    email = email_to(organisation, "ada@example.net", "bob@example.net")
    before = await emails_of(servers[0], organisation)
    async with clients_of(servers, organisation) as clients:
        (used, *_) = await clients[0].used()
        outcomes = await asyncio.gather(*(send(client, email) for client in islice(cycle(clients), SENDERS)))
        usages = {(await client.used())[0] for client in clients}
    answers = [outcome for outcome in outcomes if isinstance(outcome, Answer)]
    (first,) = [answer for answer in answers if not answer.replayed]
    assert len(first.ids) == len(set(first.ids)) == emails
    assert answers.count(replace(first, replayed=True)) == SENDERS - 1
    assert await emails_of(servers[0], organisation) == before + emails
    assert usages == {used + 2 * emails}


async def test_operators_changes_apply_to_the_next_send_on_every_server(
    on_postgresql: list[Stack],
) -> None:
    """Z-43, C-13, C-14: plans and the numbers of one organisation are data."""
    organisation = on_postgresql[0].orgs["edited"]

    def decide(*words: str) -> Json:
        standing: Json = json.loads(on_postgresql[0].run("server", *words))
        return standing

    async with clients_of(on_postgresql, organisation) as clients:

        async def refused() -> set[bool]:
            email = email_to(organisation, "ada@example.net")
            return {isinstance(await client.send(email), Refusal) for client in clients}

        assert await refused() == {False}
        assert decide("plan", "starter", "--daily", str(ROOM), "--monthly", "0")["monthly_limit"] == 0
        assert await refused() == {True}
        decide("organisation", organisation.org_id, "--monthly", "1000")
        assert await refused() == {False}
        decide("organisation", organisation.org_id, "--monthly", "plan")
        assert await refused() == {True}
        decide("plan", "starter", "--overage", "on")
        assert await refused() == {False}
        async with Rest(on_postgresql[1].http, organisation.api_key) as rest:
            usage = (await rest.get("/v1/usage")).body
        assert usage["overage"] == usage["monthly"]["used"] == 3 * len(clients)
