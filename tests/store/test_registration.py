"""Registration and its confirmation by mail, on both engines (contract rows C-10, C-78)."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import pytest
from sqlalchemy import insert, select

from server.accounts.faults import LinkNotValid, NotAMember, RegistrationClosed
from server.accounts.mailing import MAX_LINKS, MAX_OWNED
from server.db.database import Database
from server.db.tables.accounts import account_requests, members, organisations, users
from server.db.tables.suppressions import suppressions
from server.db.tx import Tx
from server.db.writer import Writer
from server.faults import ValidationFailed
from server.ids import SYSTEM_ORG_ID, new_id
from server.wire.caller import SessionCaller
from tests.harness.rows import row_count, stored
from tests.store.people import ADA, PASSWORD, People

DAY_S = 86_400


@pytest.fixture
async def people(database: Database, writer: Writer) -> AsyncIterator[People]:
    people = People(database, writer)
    await people.start()
    yield people
    await people.stop()


async def test_nothing_exists_until_the_address_is_confirmed(people: People, database: Database) -> None:
    token = await people.register(name="Ada", organisation="Engines")
    assert await row_count(database, users) == 0
    assert await people.subjects() == ["Confirm your address"]
    user, org_id = await people.registration.confirm(token)
    [stored_user] = await stored(database, select(users))
    [organisation] = await stored(database, select(organisations).where(organisations.c.org_id == org_id))
    [member] = await stored(database, select(members))
    assert (stored_user.id, stored_user.email, stored_user.name) == (user.id, ADA, "Ada")
    assert stored_user.password_hash.startswith("$argon2id$")
    assert (member.org_id, member.user_id, member.role) == (org_id, user.id, "owner")
    # A new organisation may write to its owner only (C-70, C-14).
    assert (organisation.name, organisation.plan, organisation.sandbox) == ("Engines", "free", True)
    assert organisation.owner_email == ADA


async def test_the_password_is_nowhere_in_the_store(people: People, database: Database) -> None:
    await people.register()
    [request] = await stored(database, select(account_requests))
    assert PASSWORD not in request.details
    assert json.loads(request.details)["password_hash"].startswith("$argon2id$")


async def test_the_token_is_in_the_mail_alone(people: People, database: Database) -> None:
    token = await people.register()
    [request] = await stored(database, select(account_requests))
    secret = token.partition("_")[2]
    assert len(secret) == 43
    assert secret.encode() not in bytes(request.token_hash)
    assert secret not in request.details


async def test_confirmation_works_once(people: People, database: Database) -> None:
    token = await people.register()
    await people.registration.confirm(token)
    with pytest.raises(LinkNotValid):
        await people.registration.confirm(token)
    assert await row_count(database, users) == 1


async def test_confirmation_works_for_a_day(people: People) -> None:
    token = await people.register()
    people.clock.advance(DAY_S)
    with pytest.raises(LinkNotValid):
        await people.registration.confirm(token)
    token = await people.register()
    people.clock.advance(DAY_S - 1)
    await people.registration.confirm(token)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: "",
        lambda token: token[:-1],
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: f"{'0' * 24}_{token.partition('_')[2]}",
        lambda token: token.partition("_")[0] + "_",
        lambda token: token.partition("_")[0],
        lambda token: token + "\0",
        lambda token: "é" * 50,
        lambda token: "x" * 100_000,
    ],
)
async def test_another_token_confirms_nothing(people: People, spoil: Callable[[str], str]) -> None:
    token = await people.register()
    with pytest.raises(LinkNotValid):
        await people.registration.confirm(spoil(token))
    await people.registration.confirm(token)


async def test_a_token_of_one_kind_is_none_of_the_other(people: People) -> None:
    confirmation = await people.register("new@example.com")
    await people.add()
    reset = await people.request_reset()
    with pytest.raises(LinkNotValid):
        await people.registration.confirm(reset)
    with pytest.raises(LinkNotValid):
        await people.registration.reset(confirmation, "another long word")


async def test_confirmation_ends_the_other_registrations_of_the_address(people: People) -> None:
    first, second = await people.register(), await people.register(ADA, "another person's")
    await people.registration.confirm(first)
    with pytest.raises(LinkNotValid):
        await people.registration.confirm(second)
    await people.login()


async def test_two_links_at_the_same_time_make_one_user(people: People, database: Database) -> None:
    tokens = [await people.register(), await people.register()]
    results = await asyncio.gather(*map(people.registration.confirm, tokens), return_exceptions=True)
    assert sorted(isinstance(result, LinkNotValid) for result in results) == [False, True], results
    assert await row_count(database, users) == 1
    of_people = select(organisations).where(organisations.c.org_id != SYSTEM_ORG_ID)
    assert len(await stored(database, of_people)) == 1


async def test_only_the_mail_says_that_an_address_is_known(people: People, database: Database) -> None:
    """The answer is that to an unknown one: no enumeration."""
    await people.add()
    unknown = await people.registration.register("eve@example.com", PASSWORD, "", "")
    known = await people.registration.register(ADA.upper(), PASSWORD, "", "")
    assert known.expires_at == unknown.expires_at
    assert (known.kind, known.email) == (unknown.kind, ADA)
    assert await people.newest_token()
    assert await people.subjects() == ["Confirm your address", "You have an account already"]
    assert await row_count(database, users) == 1


async def added(people: People) -> SessionCaller:
    """Ada, who owns an organisation."""
    await people.add()
    return await people.caller(await people.login())


async def test_person_with_an_account_gets_another_organisation(people: People) -> None:
    """The link in the mail proves the address; the password and the name stay as they are."""
    ada = await added(people)
    token = await people.register(ADA, "another person's password")
    user, org_id = await people.registration.confirm(token)
    assert (user.id, org_id != ada.org_id) == (ada.user_id, True)
    session = await people.sign_in.login(ADA, PASSWORD, org_id)
    assert session.membership.role == "owner"
    assert [one.org_id for one in session.memberships] == [ada.org_id, org_id]
    with pytest.raises(LinkNotValid):
        await people.registration.confirm(token)


async def test_person_without_an_organisation_gets_one(people: People) -> None:
    """Whoever left the last one, or whose organisation was closed, is locked out of nothing."""
    ada = await added(people)
    eve = await people.join(ada, "eve@example.com", "owner")
    await people.members.leave(ada)
    with pytest.raises(NotAMember):
        await people.sign_in.login(ADA, PASSWORD, None)
    user, org_id = await people.registration.confirm(await people.register(ADA))
    session = await people.sign_in.login(ADA, PASSWORD, None)
    assert (user.id, session.membership.org_id) == (ada.user_id, org_id)
    assert org_id != eve.org_id


async def test_organisations_of_a_person_are_limited(people: People) -> None:
    """The mail then has no link."""
    await added(people)
    for _ in range(MAX_OWNED - 1):
        await people.registration.confirm(await people.register(ADA))
        people.clock.advance(3600)
    assert await people.register(ADA) == ""


async def test_links_to_one_address_are_limited(people: People) -> None:
    tokens = [await people.register() for _ in range(MAX_LINKS + 2)]
    assert [bool(token) for token in tokens] == [True] * MAX_LINKS + [False, False]
    assert await people.register("eve@example.com")
    people.clock.advance(3600)
    assert await people.register()


async def test_requests_of_the_same_moment_are_limited_too(people: People) -> None:
    calls = [people.registration.register(ADA, PASSWORD, "", "") for _ in range(MAX_LINKS + 3)]
    await asyncio.gather(*calls)
    await people.answer()
    assert len(await people.subjects()) == MAX_LINKS


async def test_each_request_is_mailed_once(people: People) -> None:
    await people.registration.register(ADA, PASSWORD, "", "")
    await people.answer()
    await people.answer()
    await asyncio.gather(people.mailing.step(), people.mailing.step())
    assert len(await people.mails()) == 1


@pytest.mark.parametrize(
    ("email", "password", "names", "field"),
    [
        ("no address", PASSWORD, {}, "email"),
        ("a@example.com\r\nBcc: b@example.com", PASSWORD, {}, "email"),
        (ADA, "short", {}, "password"),
        (ADA, "x" * 257, {}, "password"),
        (ADA, "aaaaaaaaaaaa", {}, "password"),
        (ADA, ADA, {}, "password"),
        (ADA, PASSWORD, {"name": "x" * 101}, "name"),
        (ADA, PASSWORD, {"name": "a\nb"}, "name"),
        (ADA, PASSWORD, {"organisation": "a\0b"}, "organisation"),
    ],
)
async def test_invalid_registration_is_refused(
    people: People, email: str, password: str, names: dict[str, str], field: str, database: Database
) -> None:
    with pytest.raises(ValidationFailed) as refused:
        await people.register(email, password, **names)
    assert [violation.field for violation in refused.value.violations] == [field]
    assert await row_count(database, account_requests) == 0


async def test_closed_registration_refuses_everybody(database: Database, writer: Writer) -> None:
    """C-78; an address with an account gets the same answer."""
    people = People(database, writer, is_open=False)
    answers = await asyncio.gather(
        *(people.registration.register(email, PASSWORD, "", "") for email in (ADA, "eve@example.com")),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [RegistrationClosed] * 2
    await people.stop()


async def test_platform_mail_has_an_organisation_that_nobody_signs_in_to(
    people: People, database: Database
) -> None:
    await people.register()
    await people.system_mail.start()
    [system] = await stored(database, select(organisations))
    assert system.org_id == SYSTEM_ORG_ID
    assert await row_count(database, members) == 0


async def test_mail_to_an_address_that_bounced_is_left_out(people: People, database: Database) -> None:
    """The other mails of the same moment go."""
    row = {"org_id": SYSTEM_ORG_ID, "address": ADA, "id": new_id(), "origin": "bounce", "created_at": 0}
    await people.writer.run(Tx.change, insert(suppressions), [{**row, "source_id": None}])
    await people.registration.register(ADA, PASSWORD, "", "")
    await people.registration.register("eve@example.com", PASSWORD, "", "")
    assert await people.newest_token()
    assert {mail.to for mail in await people.mails()} == {"eve@example.com"}
