"""Suppressions over gRPC, on both engines (contract rows Z-24, F-4)."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2
from zidimail.v1 import suppression_pb2, suppression_service_pb2_grpc
from zidimail.v1 import suppression_service_pb2 as pb

from server.clock import SystemClock
from tests.harness.stack import Stack

MANUAL = suppression_pb2.SUPPRESSION_ORIGIN_MANUAL
BOUNCE = suppression_pb2.SUPPRESSION_ORIGIN_BOUNCE
NUMBERS = itertools.count(1)


class Client:
    """The service as one organisation sees it."""

    def __init__(self, channel: grpc.aio.Channel, token: str) -> None:
        self._metadata = (("authorization", f"Bearer {token}"),)
        self._stub = suppression_service_pb2_grpc.SuppressionServiceStub(channel)

    async def create(self, email: str, **fields: Any) -> suppression_pb2.Suppression:
        request = pb.CreateSuppressionRequest(email=email, **fields)
        return (await self._stub.CreateSuppression(request, metadata=self._metadata)).suppression

    async def get(self, id_or_email: str) -> suppression_pb2.Suppression:
        request = pb.GetSuppressionRequest(id_or_email=id_or_email)
        return (await self._stub.GetSuppression(request, metadata=self._metadata)).suppression

    async def list(self, **fields: Any) -> pb.ListSuppressionsResponse:
        return await self._stub.ListSuppressions(
            pb.ListSuppressionsRequest(**fields), metadata=self._metadata
        )

    async def delete(self, id_or_email: str) -> pb.DeleteSuppressionResponse:
        request = pb.DeleteSuppressionRequest(id_or_email=id_or_email)
        return await self._stub.DeleteSuppression(request, metadata=self._metadata)

    async def add(self, *emails: str) -> pb.BatchAddSuppressionsResponse:
        request = pb.BatchAddSuppressionsRequest(emails=emails)
        return await self._stub.BatchAddSuppressions(request, metadata=self._metadata)

    async def remove(self, *emails: str) -> pb.BatchRemoveSuppressionsResponse:
        request = pb.BatchRemoveSuppressionsRequest(emails=emails)
        return await self._stub.BatchRemoveSuppressions(request, metadata=self._metadata)


@pytest.fixture
async def client(either: Stack) -> AsyncIterator[Client]:
    async with either.channel() as channel:
        yield Client(channel, either.owner.api_key)


@pytest.fixture
async def stranger(either: Stack) -> AsyncIterator[Client]:
    async with either.channel() as channel:
        yield Client(channel, either.other.api_key)


def address() -> str:
    """One that no other test uses."""
    return f"person-{next(NUMBERS)}@receiver.test"


def emails(page: pb.ListSuppressionsResponse) -> list[str]:
    return [suppression.email for suppression in page.data]


def reason(error: grpc.aio.AioRpcError) -> str:
    status = status_pb2.Status.FromString(dict(error.trailing_metadata() or ())["grpc-status-details-bin"])
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    return info.reason


async def refused(call: Any) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await call
    return reason(refusal.value)


async def test_an_address_is_suppressed_by_hand_and_found_by_id_and_address(client: Client) -> None:
    given = address()
    made = await client.create(given.upper())
    assert (made.email, made.origin, made.source_id) == (given, MANUAL, "")
    assert not made.HasField("expires_at")
    assert await client.get(made.id) == await client.get(given) == await client.get(given.upper()) == made


async def test_the_domain_of_an_address_is_compared_as_an_a_label(client: Client) -> None:
    made = await client.create("info@bücher.example")
    assert made.email == "info@xn--bcher-kva.example"
    assert await client.get("info@bücher.example") == made


async def test_suppressing_again_changes_nothing(client: Client) -> None:
    given = address()
    assert await client.create(given) == await client.create(given)


async def test_suppressing_at_the_same_time_makes_one(client: Client) -> None:
    given = address()
    made = await asyncio.gather(*(client.create(given) for _ in range(16)))
    assert {suppression.id for suppression in made} == {(await client.get(given)).id}


async def test_a_suppression_may_expire(client: Client) -> None:
    given = address()
    later = SystemClock().now_ms() // 1000 + 3600
    made = await client.create(given, expires_at=Timestamp(seconds=later))
    assert made.expires_at.seconds == later


@pytest.mark.parametrize("seconds", [0, 1, -(10**11), 253402300800])
async def test_expiry_must_be_in_the_future(client: Client, seconds: int) -> None:
    call = client.create(address(), expires_at=Timestamp(seconds=seconds))
    assert await refused(call) == "VALIDATION_FAILED"


@pytest.mark.parametrize("given", ["", "nobody", "a@b@c", "a\x00@receiver.test"])
async def test_invalid_address_is_refused(client: Client, given: str) -> None:
    assert await refused(client.create(given)) == "VALIDATION_FAILED"
    assert await refused(client.add(address(), given)) == "VALIDATION_FAILED"


async def test_deleted_suppression_is_not_found(client: Client) -> None:
    given = address()
    made = await client.create(given)
    lifted = await client.delete(given)
    assert (lifted.id, lifted.deleted) == (made.id, True)
    for missing in (client.get(given), client.get(made.id), client.delete(made.id)):
        assert await refused(missing) == "SUPPRESSION_NOT_FOUND"


async def test_unknown_id_or_address_is_not_found(client: Client) -> None:
    for given in ("nothing", "0" * 24):
        assert await refused(client.get(given)) == "SUPPRESSION_NOT_FOUND"
        assert await refused(client.delete(given)) == "SUPPRESSION_NOT_FOUND"


async def test_suppression_of_another_organisation_is_not_found(client: Client, stranger: Client) -> None:
    given = address()
    made = await client.create(given)
    for missing in (stranger.get(given), stranger.get(made.id), stranger.delete(made.id)):
        assert await refused(missing) == "SUPPRESSION_NOT_FOUND"
    assert (await stranger.remove(given, made.id)).data == []
    assert emails(await stranger.list(search=given)) == []
    assert await client.get(given) == made


async def test_suppressions_are_listed_newest_first_in_pages(client: Client) -> None:
    name = f"page-{next(NUMBERS)}"
    given = [f"{number}@{name}.test" for number in range(5)]
    made = [await client.create(email) for email in given]
    first = await client.list(search=name.upper(), limit=2)
    assert (emails(first), first.has_more, first.total, first.page) == (given[:2:-1], True, 5, 1)
    last = await client.list(search=name, limit=2, page=3)
    assert (emails(last), last.has_more) == (given[:1], False)
    assert emails(await client.list(search=name, after=made[2].id)) == given[1::-1]
    before = await client.list(search=name, before=made[1].id, limit=2)
    assert (emails(before), before.has_more) == ([given[3], given[2]], True)
    assert emails(await client.list(search=name, origin=[MANUAL, BOUNCE])) == given[::-1]
    assert emails(await client.list(search=name, origin=[BOUNCE])) == []


@pytest.mark.parametrize(
    "fields",
    [{"limit": -1}, {"page": -1}, {"after": "x"}, {"before": "x"}, {"origin": [0]}, {"origin": [99]}],
)
async def test_invalid_list_request_is_refused(client: Client, fields: dict[str, Any]) -> None:
    assert await refused(client.list(**fields)) == "VALIDATION_FAILED"


async def test_a_batch_is_added_in_order_and_removed_by_address_or_id(client: Client) -> None:
    one, two, missing = address(), address(), address()
    added = (await client.add(two, one, two.upper())).data
    assert [suppression.email for suppression in added] == [two, one, two]
    removed = (await client.remove(one, missing, added[0].id, one)).data
    assert {suppression.id for suppression in removed} == {added[0].id, added[1].id}
    assert (await client.remove(one, two)).data == []


async def test_batch_with_an_invalid_address_adds_none(client: Client) -> None:
    given = address()
    assert await refused(client.add(given, "nobody")) == "VALIDATION_FAILED"
    assert await refused(client.get(given)) == "SUPPRESSION_NOT_FOUND"


@pytest.mark.parametrize("count", [0, 101])
async def test_a_batch_holds_one_to_a_hundred(client: Client, count: int) -> None:
    many = [address() for _ in range(count)]
    assert await refused(client.add(*many)) == "VALIDATION_FAILED"
    assert await refused(client.remove(*many)) == "VALIDATION_FAILED"
