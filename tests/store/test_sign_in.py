"""Login, logout, passwords and the throttling of attempts, on both engines (C-10, C-47, C-75, Z-46)."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from argon2 import PasswordHasher
from sqlalchemy import delete, select

from server.accounts.faults import InvalidLogin, LinkNotValid, NotAMember, TooManyAttempts
from server.accounts.rules import FREE_ATTEMPTS
from server.accounts.wiring import sweep
from server.db.database import Database
from server.db.tables.accounts import account_requests, login_attempts, members, sessions, users
from server.db.tx import Tx
from server.db.writer import Writer
from server.faults import Fault, ValidationFailed
from server.ids import new_id
from server.wire.caller import SessionCaller
from server.wire.faults import InvalidCredentials
from tests.harness.rows import row_count, stored
from tests.store.people import ADA, PASSWORD, People

HOUR_S, DAY_S = 3_600, 86_400
NEW = "staple battery horse"
UNKNOWN = "nobody@example.com"


class CountingHasher(PasswordHasher):
    """argon2id with little work, and the number of times that the work was done."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.works = 0

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self.works += 1
        return super().hash(password, salt=salt)

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:
        self.works += 1
        return super().verify(hash, password)


@pytest.fixture
def hasher() -> CountingHasher:
    return CountingHasher()


@pytest.fixture
async def people(database: Database, writer: Writer, hasher: CountingHasher) -> AsyncIterator[People]:
    people = People(database, writer, hasher=hasher)
    await people.start()
    await people.add()
    yield people
    await people.stop()


async def refusal(people: People, email: str, password: str = "wrong password") -> Fault:
    """The fault that refuses a login."""
    with pytest.raises(Fault) as refused:
        await people.login(email, password)
    return refused.value


async def test_login_makes_a_session_of_the_user(people: People, database: Database) -> None:
    session = await people.sign_in.login(ADA.upper(), PASSWORD, None)
    caller = await people.caller(session.token)
    assert (caller.user_id, caller.role) == (session.user.id, "owner")
    assert (caller.org_id, session.user.email) == (session.membership.org_id, ADA)
    assert await row_count(database, sessions) == 1


async def test_logout_ends_this_session_alone_and_at_once(people: People) -> None:
    first, second = await people.login(), await people.login()
    await people.sign_in.logout(await people.caller(first))
    with pytest.raises(InvalidCredentials):
        await people.caller(first)
    await people.caller(second)


async def test_unknown_address_and_wrong_password_answer_alike(
    people: People, hasher: CountingHasher
) -> None:
    """No enumeration by text, by status or by work: each costs one hash."""
    works, texts = [], []
    for email in (ADA, UNKNOWN, "no address"):
        hasher.works = 0
        fault = await refusal(people, email)
        works.append(hasher.works)
        texts.append((type(fault), str(fault), fault.metadata))
    assert works == [1, 1, 1]
    assert texts == [(InvalidLogin, str(InvalidLogin()), {})] * 3


async def test_reset_of_an_unknown_address_costs_and_answers_as_that_of_a_known_one(
    people: People, database: Database
) -> None:
    await people.registration.request_reset(ADA)
    await people.registration.request_reset(UNKNOWN)
    rows = await stored(database, select(account_requests))
    assert {(row.kind, row.details, row.expires_at) for row in rows} == {
        ("reset", "{}", people.clock.now_ms() + HOUR_S * 1000)
    }
    before = len(await people.mails())
    await people.answer()
    assert [mail.to for mail in (await people.mails())[before:]] == [ADA]


@pytest.mark.parametrize("email", [ADA, UNKNOWN])
async def test_attempts_are_throttled_for_each_address(people: People, email: str) -> None:
    """An address without an account is no exception; the right password does not help in a pause."""
    for _ in range(FREE_ATTEMPTS):
        assert type(await refusal(people, email)) is InvalidLogin
    paused = await refusal(people, email, PASSWORD)
    assert isinstance(paused, TooManyAttempts)
    assert paused.retry_after_s == 1.0
    people.clock.advance(1)
    assert type(await refusal(people, email)) is InvalidLogin
    assert (await refusal(people, email)).metadata == {"retry_after": "2"}
    await people.add("eve@example.com")
    await people.login("eve@example.com")


async def test_pause_grows_to_a_quarter_of_an_hour(people: People) -> None:
    pauses = []
    for _ in range(FREE_ATTEMPTS + 12):
        fault = await refusal(people, ADA)
        if isinstance(fault, TooManyAttempts):
            pauses.append(fault.retry_after_s)
            people.clock.advance(fault.retry_after_s)
            assert type(await refusal(people, ADA)) is InvalidLogin
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


async def test_many_attempts_at_the_same_moment_are_no_way_around(people: People) -> None:
    faults = await asyncio.gather(*(refusal(people, ADA) for _ in range(4 * FREE_ATTEMPTS)))
    assert [type(fault) for fault in faults].count(InvalidLogin) == FREE_ATTEMPTS


async def test_login_forgets_the_attempts_before(people: People, database: Database) -> None:
    for _ in range(FREE_ATTEMPTS - 1):
        await refusal(people, ADA)
    await people.login()
    assert await row_count(database, login_attempts) == 0


async def test_reset_forgets_the_attempts_of_others(people: People) -> None:
    """Whoever gives wrong passwords for an address keeps its owner out for as long as a mail takes."""
    for _ in range(FREE_ATTEMPTS + 1):
        await refusal(people, ADA)
    await people.registration.reset(await people.request_reset(), NEW)
    await people.login(password=NEW)


async def test_addresses_of_attempts_are_not_stored(people: People, database: Database) -> None:
    await refusal(people, UNKNOWN)
    [row] = await stored(database, select(login_attempts))
    assert "nobody" not in row.email_hash


async def test_reset_ends_all_sessions_and_a_mail_says_so(people: People) -> None:
    tokens = [await people.login(), await people.login()]
    await people.registration.reset(await people.request_reset(), NEW)
    for token in tokens:
        with pytest.raises(InvalidCredentials):
            await people.caller(token)
    assert (await people.subjects())[-2:] == ["Set a new password", "Your password was changed"]
    assert type(await refusal(people, ADA, PASSWORD)) is InvalidLogin
    await people.login(password=NEW)


async def test_reset_works_once(people: People) -> None:
    token = await people.request_reset()
    await people.registration.reset(token, NEW)
    with pytest.raises(LinkNotValid):
        await people.registration.reset(token, PASSWORD)
    await people.login(password=NEW)


async def test_reset_ends_the_other_links_of_the_address(people: People) -> None:
    first, second = await people.request_reset(), await people.request_reset()
    await people.registration.reset(second, NEW)
    with pytest.raises(LinkNotValid):
        await people.registration.reset(first, PASSWORD)


async def test_one_of_two_resets_at_the_same_time_counts(people: People) -> None:
    token = await people.request_reset()
    results = await asyncio.gather(
        *(people.registration.reset(token, password) for password in (NEW, NEW + " 2")),
        return_exceptions=True,
    )
    assert sorted(isinstance(result, LinkNotValid) for result in results) == [False, True], results


async def test_reset_works_for_an_hour(people: People) -> None:
    token = await people.request_reset()
    people.clock.advance(HOUR_S)
    with pytest.raises(LinkNotValid):
        await people.registration.reset(token, NEW)
    token = await people.request_reset()
    people.clock.advance(HOUR_S - 1)
    await people.registration.reset(token, NEW)


@pytest.mark.parametrize("password", ["short", ADA])
async def test_refused_password_keeps_the_link(people: People, password: str) -> None:
    token = await people.request_reset()
    with pytest.raises(ValidationFailed):
        await people.registration.reset(token, password)
    await people.registration.reset(token, NEW)


async def test_change_of_password_ends_the_other_sessions(people: People) -> None:
    mine, other = await people.login(), await people.login()
    await people.sign_in.change_password(await people.caller(mine), PASSWORD, NEW)
    await people.caller(mine)
    with pytest.raises(InvalidCredentials):
        await people.caller(other)
    assert (await people.subjects())[-1] == "Your password was changed"
    await people.login(password=NEW)


async def test_change_of_password_needs_the_present_one(people: People) -> None:
    """A stolen session does not become a stolen account; its guesses are throttled."""
    caller = await people.caller(await people.login())
    for _ in range(FREE_ATTEMPTS):
        with pytest.raises(InvalidLogin):
            await people.sign_in.change_password(caller, "wrong password", NEW)
    with pytest.raises(TooManyAttempts):
        await people.sign_in.change_password(caller, PASSWORD, NEW)


async def test_login_in_an_organisation_of_others_is_refused(people: People, database: Database) -> None:
    """As one that does not exist."""
    eve = await people.add("eve@example.com")
    [theirs] = await stored(database, select(members).where(members.c.user_id == eve))
    for org_id in (theirs.org_id, new_id(), ""):
        with pytest.raises(NotAMember):
            await people.sign_in.login(ADA, PASSWORD, org_id)
    assert await row_count(database, sessions) == 0


async def test_session_is_renewed_in_the_second_half_of_its_life_for_30_days(
    people: People,
) -> None:
    """C-75."""
    begun_ms, token, ends = people.clock.now_ms(), await people.login(), []
    assert (await people.sign_in.session(await people.caller(token))).token == ""
    for _ in range(100):
        people.clock.advance(DAY_S / 2)
        try:
            session = await people.sign_in.session(await people.caller(token))
        except InvalidCredentials:
            break
        token = session.token or token
        ends.append(session.expires_at)
    assert max(ends) - begun_ms == 30 * DAY_S * 1000
    assert people.clock.now_ms() - begun_ms == 30 * DAY_S * 1000


async def test_renewal_does_not_revive_a_session_that_was_ended(people: People) -> None:
    caller = await people.caller(await people.login())
    people.clock.advance(DAY_S / 2)
    await people.writer.run(Tx.change, delete(sessions))
    with pytest.raises(InvalidCredentials):
        await people.sign_in.session(caller)


async def test_password_of_old_parameters_is_hashed_anew_at_login(people: People, database: Database) -> None:
    [before] = await stored(database, select(users.c.password_hash))
    stronger = People(people.database, people.writer, hasher=PasswordHasher(2, 8, 1))
    await stronger.start()
    await stronger.login()
    [after] = await stored(database, select(users.c.password_hash))
    assert "t=1" in before.password_hash
    assert "t=2" in after.password_hash
    await stronger.stop()


async def test_sweep_deletes_what_has_ended_and_nothing_else(people: People, database: Database) -> None:
    await people.login()
    await people.request_reset()
    await refusal(people, UNKNOWN)
    people.clock.advance(DAY_S)
    token = await people.login()
    await people.request_reset()
    await refusal(people, "other@example.com")
    assert not await people.writer.run(sweep, people.clock.now_ms())
    counts = [await row_count(database, table) for table in (sessions, account_requests, login_attempts)]
    assert counts == [1, 1, 1]
    assert isinstance(await people.caller(token), SessionCaller)
