"""API keys on both engines: authentication, caching, and the record of their last use."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Concatenate, ParamSpec, TypeVar

import pytest
from sqlalchemy import select

from server.db.database import Database
from server.db.listing import PageRequest
from server.db.tables.keys import api_keys
from server.db.tx import Tx
from server.db.writer import Writer
from server.ids import new_id
from server.keys import store
from server.keys.authenticate import ApiKeyAuthenticator
from server.keys.mint import MintedKey, mint
from server.keys.uses import KeyUses
from server.permissions import PermissionName
from server.wire.caller import KeyCaller
from server.wire.faults import InvalidCredentials
from tests.harness.clock import ManualClock
from tests.harness.rows import stored
from tests.harness.waiting import until

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")

ORG, OTHER = new_id(), new_id()


@pytest.fixture
def clock() -> ManualClock:
    """The time by which the cache ages."""
    return ManualClock()


@pytest.fixture
def authenticator(database: Database, clock: ManualClock) -> ApiKeyAuthenticator:
    """An authenticator of its own process, without a record of uses."""
    return ApiKeyAuthenticator(database, clock)


@pytest.fixture
async def uses(writer: Writer) -> AsyncIterator[KeyUses]:
    """The running record of uses."""
    uses = KeyUses(writer)
    await uses.start()
    yield uses
    await uses.stop()


class ObservedDatabase(Database):
    """A store that counts its reading transactions, and holds them up while `open` is cleared."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.reads = 0
        self.open = asyncio.Event()
        self.open.set()

    async def read(self, fn: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        self.reads += 1
        result = await super().read(fn, *args, **kwargs)
        await self.open.wait()
        return result


class ObservedWriter(Writer):
    """A writer that notes how many items each submission has."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.submitted: list[int] = []

    async def submit(self, act: Callable[[Tx, list[T]], Sequence[R]], items: Sequence[T]) -> Sequence[R]:
        self.submitted.append(len(items))
        return await super().submit(act, items)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[ObservedDatabase]:
    """A fresh store, on both engines."""
    database = ObservedDatabase(database_url)
    yield database
    await database.close()


async def _stored(
    writer: Writer, key: MintedKey | None = None, *, org_id: str = ORG, permission: PermissionName = "full"
) -> MintedKey:
    key = key or mint()
    await writer.run(store.add, org_id, key, "a key", permission, 1_000)
    return key


async def _revoke(writer: Writer, key: MintedKey, org_id: str = ORG) -> bool:
    return await writer.run(store.revoke, org_id, key.id, 2_000)


async def _last_used(database: Database, key: MintedKey) -> int | None:
    query = select(api_keys.c.last_used_at).where(api_keys.c.id == key.id)
    return await database.read(lambda tx: tx.scalar(int, query))


@pytest.mark.parametrize("style", ["zm", "zs"])
@pytest.mark.parametrize("permission", ["full", "send_only", "read_only"])
async def test_a_key_names_its_organisation_and_permission(
    writer: Writer, authenticator: ApiKeyAuthenticator, style: str, permission: PermissionName
) -> None:
    """Z-1, C-44, F-7."""
    key = await _stored(writer, mint(style), permission=permission)  # type: ignore[arg-type]
    assert await authenticator.authenticate(key.key) == KeyCaller(ORG, key.id, permission)


async def test_another_secret_style_or_id_is_refused(
    writer: Writer, authenticator: ApiKeyAuthenticator
) -> None:
    """Z-1."""
    key, other = await _stored(writer), await _stored(writer)
    secret = key.key.rpartition("_")[2]
    for token in (
        f"zm_live_{key.id}_{'0' * 64}",
        f"zs_{key.id}_{secret}",
        f"zm_live_{other.id}_{secret}",
        f"zm_live_{new_id()}_{secret}",
        f"zm_live_{key.id}_",
        key.id,
        "",
    ):
        with pytest.raises(InvalidCredentials):
            await authenticator.authenticate(token)
    assert (await authenticator.authenticate(key.key)).key_id == key.id


async def test_a_key_is_looked_up_once_in_four_seconds(
    writer: Writer, authenticator: ApiKeyAuthenticator, clock: ManualClock, database: ObservedDatabase
) -> None:
    key = await _stored(writer)
    unknown = mint()

    async def ask() -> None:
        await authenticator.authenticate(key.key)
        with pytest.raises(InvalidCredentials):
            await authenticator.authenticate(unknown.key)

    for _ in range(20):
        await ask()
    clock.advance(3.999)
    await ask()
    assert database.reads == 2
    clock.advance(0.001)
    await ask()
    assert database.reads == 4


async def test_concurrent_calls_with_one_key_look_it_up_once(
    writer: Writer, authenticator: ApiKeyAuthenticator, database: ObservedDatabase
) -> None:
    key = await _stored(writer)
    callers = await asyncio.gather(*(authenticator.authenticate(key.key) for _ in range(100)))
    assert {caller.key_id for caller in callers} == {key.id}
    assert database.reads == 1


async def test_cancelled_lookup_does_not_fail_other_callers(
    writer: Writer, authenticator: ApiKeyAuthenticator
) -> None:
    key = await _stored(writer)
    impatient, patient = (asyncio.create_task(authenticator.authenticate(key.key)) for _ in range(2))
    await asyncio.sleep(0)
    impatient.cancel()
    assert (await patient).key_id == key.id


async def test_a_revoked_key_is_refused_within_five_seconds(
    writer: Writer, authenticator: ApiKeyAuthenticator, clock: ManualClock
) -> None:
    """Z-2: here another process revoked it."""
    key = await _stored(writer)
    await authenticator.authenticate(key.key)
    assert await _revoke(writer, key)
    clock.advance(5)
    with pytest.raises(InvalidCredentials):
        await authenticator.authenticate(key.key)


async def test_a_key_revoked_here_is_refused_at_once(
    writer: Writer, authenticator: ApiKeyAuthenticator
) -> None:
    """Z-2."""
    key = await _stored(writer)
    await authenticator.authenticate(key.key)
    await _revoke(writer, key)
    authenticator.forget(key.id)
    with pytest.raises(InvalidCredentials):
        await authenticator.authenticate(key.key)


async def test_a_look_up_that_began_before_the_revocation_is_not_kept(
    writer: Writer, authenticator: ApiKeyAuthenticator, database: ObservedDatabase
) -> None:
    key = await _stored(writer)
    database.open.clear()
    early = asyncio.create_task(authenticator.authenticate(key.key))
    await until(lambda: database.reads == 1)
    # The answer is under way and must not be believed after `forget`.
    authenticator.forget(key.id)
    database.open.set()
    await early
    await _revoke(writer, key)
    with pytest.raises(InvalidCredentials):
        await authenticator.authenticate(key.key)


async def test_clock_set_back_does_not_extend_a_cached_key(
    writer: Writer, authenticator: ApiKeyAuthenticator, clock: ManualClock
) -> None:
    key = await _stored(writer)
    await authenticator.authenticate(key.key)
    await _revoke(writer, key)
    clock.advance(-3600)
    with pytest.raises(InvalidCredentials):
        await authenticator.authenticate(key.key)


async def test_unknown_ids_neither_grow_the_cache_nor_evict_keys(
    writer: Writer, database: ObservedDatabase, clock: ManualClock
) -> None:
    authenticator = ApiKeyAuthenticator(database, clock, max_cached=10)
    key = await _stored(writer)
    invented = [mint() for _ in range(30)]
    await authenticator.authenticate(key.key)
    for unknown in (*invented, invented[-1]):
        with pytest.raises(InvalidCredentials):
            await authenticator.authenticate(unknown.key)
    await authenticator.authenticate(key.key)
    # The key and the last of the invented ones were remembered, the first of these was dropped.
    assert database.reads == 31
    with pytest.raises(InvalidCredentials):
        await authenticator.authenticate(invented[0].key)
    assert database.reads == 32


async def test_last_use_is_recorded_to_the_minute(
    database: Database, writer: Writer, clock: ManualClock, uses: KeyUses
) -> None:
    authenticator = ApiKeyAuthenticator(database, clock, uses)
    key, idle = await _stored(writer), await _stored(writer)
    clock.advance(59)
    start = clock.now_ms() - clock.now_ms() % 60_000
    await authenticator.authenticate(key.key)

    async def used() -> int | None:
        return await _last_used(database, key)

    assert await until(used) == start
    clock.advance(60)
    await authenticator.authenticate(key.key)
    await until(lambda: _is(used(), start + 60_000))
    assert await _last_used(database, idle) is None


async def _is(value: object, expected: int) -> bool:
    return bool(await value == expected)  # type: ignore[misc]


async def test_uses_are_written_together_and_once_a_minute_for_each_key(
    database: Database, writer: Writer, clock: ManualClock
) -> None:
    observed = ObservedWriter(database)
    observed.start()
    uses = KeyUses(observed)
    authenticator = ApiKeyAuthenticator(database, clock, uses)
    keys = [await _stored(writer) for _ in range(20)]
    for _ in range(3):
        for key in keys:
            await authenticator.authenticate(key.key)
        clock.advance(5)
    await uses.stop()
    await observed.close()
    assert observed.submitted == [20]
    assert all([await _last_used(database, key) for key in keys])


async def test_older_use_does_not_overwrite_a_newer_one(database: Database, writer: Writer) -> None:
    key = await _stored(writer)
    for at in (120_000, 60_000):
        await writer.submit(store.record_uses, [store.KeyUse(ORG, key.id, at)])
    assert await _last_used(database, key) == 120_000


async def test_refused_key_records_no_use(database: Database, writer: Writer, clock: ManualClock) -> None:
    uses = KeyUses(writer)
    authenticator = ApiKeyAuthenticator(database, clock, uses)
    key = await _stored(writer)
    with pytest.raises(InvalidCredentials):
        await authenticator.authenticate(f"zm_live_{key.id}_{'0' * 64}")
    await uses.stop()
    assert await _last_used(database, key) is None


async def test_keys_are_listed_newest_first_without_the_revoked(database: Database, writer: Writer) -> None:
    """Z-36, C-48."""
    keys = [await _stored(writer) for _ in range(5)]
    await _stored(writer, org_id=OTHER)
    assert await _revoke(writer, keys[2])
    newest_first = [keys[n].id for n in (4, 3, 1, 0)]
    first = await database.read(store.page, ORG, PageRequest(3))
    second = await database.read(store.page, ORG, PageRequest(3, offset=3))
    after = await database.read(store.page, ORG, PageRequest(3, after=newest_first[0]))
    before = await database.read(store.page, ORG, PageRequest(1, before=newest_first[2]))
    assert [row.id for row in (*first.rows, *second.rows)] == newest_first
    assert (first.has_more, second.has_more, first.total) == (True, False, 4)
    assert [row.id for row in after.rows] == newest_first[1:]
    assert ([row.id for row in before.rows], before.has_more) == ([newest_first[1]], True)


async def test_a_key_is_revoked_once_and_by_its_organisation_only(writer: Writer) -> None:
    """Z-37, C-48."""
    key = await _stored(writer)
    assert not await _revoke(writer, key, OTHER)
    assert await _revoke(writer, key)
    assert not await _revoke(writer, key)


async def test_the_store_holds_no_key(database: Database, writer: Writer) -> None:
    key = await _stored(writer)
    [row] = await stored(database, select(api_keys).where(api_keys.c.id == key.id))
    assert key.key.rpartition("_")[2] not in repr(row)


async def test_a_key_that_has_expired_is_refused(
    authenticator: ApiKeyAuthenticator, writer: Writer, clock: ManualClock
) -> None:
    """F-7: also while what the store said of it is still remembered."""
    key, expires_at = mint(), clock.now_ms() + 1_000
    bounds = store.Bounds(expires_at=expires_at)
    await writer.run(store.add, ORG, key, "a key", "full", 1_000, bounds)
    assert (await authenticator.authenticate(key.key)).key_id == key.id
    clock.advance(0.999)
    await authenticator.authenticate(key.key)
    clock.advance(0.001)
    with pytest.raises(InvalidCredentials):
        await authenticator.authenticate(key.key)


async def test_caller_has_the_bounds_of_its_key(authenticator: ApiKeyAuthenticator, writer: Writer) -> None:
    """F-5, F-7."""
    key = mint("test")
    bounds = store.Bounds(["example.com"], ["192.0.2.0/24", "2001:db8::/32"])
    await writer.run(store.add, ORG, key, "a key", "full", 1_000, bounds)
    caller = await authenticator.authenticate(key.key)
    assert caller.allowed_domains == {"example.com"}
    assert [str(network) for network in caller.allowed_networks] == bounds.allowed_ips
    assert caller.test
