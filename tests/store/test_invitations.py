"""Invitations to organisations, on both engines (contract rows C-77, C-78)."""

import asyncio

import pytest
from sqlalchemy import select

from server.accounts.faults import (
    AlreadyAMember,
    InvitationNotFound,
    LinkNotValid,
    RegistrationClosed,
    TooManyInvitations,
)
from server.accounts.invitations import MAX_INVITATIONS
from server.accounts.letters import Letters
from server.accounts.wiring import sweep
from server.db.database import Database
from server.db.tables.accounts import invitations, members, users
from server.db.writer import Writer
from server.faults import ValidationFailed
from server.wire.caller import SessionCaller
from tests.harness.rows import stored
from tests.store.people import ADA, PASSWORD, People

EVE = "eve@example.com"
WEEK_S = 7 * 86_400


async def test_invited_person_joins_with_a_new_account(people: People, ada: SessionCaller) -> None:
    token = await people.invite(ada, EVE.upper(), "admin")
    assert await people.roles(ada) == {ADA: "owner"}
    assert await people.waiting(ada) == [EVE]
    joined = await people.invitations.accept(token, PASSWORD, "Eve")
    assert (joined.user.email, joined.user.name) == (EVE, "Eve")
    assert (joined.membership.org_id, joined.membership.role) == (ada.org_id, "admin")
    assert await people.roles(ada) == {ADA: "owner", EVE: "admin"}
    assert await people.waiting(ada) == []
    assert (await people.caller(await people.login(EVE))).role == "admin"


async def test_invited_person_with_an_account_keeps_its_password(people: People, ada: SessionCaller) -> None:
    await people.add(EVE)
    await people.invitations.accept(await people.invite(ada, EVE), "another long word", "Mallory")
    session = await people.sign_in.login(EVE, PASSWORD, ada.org_id)
    assert session.user.name == ""
    assert [one.role for one in session.memberships] == ["owner", "member"]


async def test_invitation_works_once(people: People, ada: SessionCaller) -> None:
    token = await people.invite(ada, EVE)
    results = await asyncio.gather(
        *(people.invitations.accept(token, PASSWORD, "") for _ in range(2)), return_exceptions=True
    )
    assert sorted(isinstance(result, LinkNotValid) for result in results) == [False, True], results
    with pytest.raises(LinkNotValid):
        await people.invitations.accept(token, PASSWORD, "")


async def test_invitation_works_for_a_week(people: People, ada: SessionCaller) -> None:
    token = await people.invite(ada, EVE)
    people.clock.advance(WEEK_S)
    assert await people.waiting(ada) == []
    with pytest.raises(LinkNotValid):
        await people.invitations.accept(token, PASSWORD, "")
    token = await people.invite(ada, EVE)
    people.clock.advance(WEEK_S - 1)
    await people.invitations.accept(token, PASSWORD, "")


async def test_withdrawn_or_renewed_invitation_does_not_work(people: People, ada: SessionCaller) -> None:
    first, second = await people.invite(ada, EVE), await people.invite(ada, EVE)
    assert await people.waiting(ada) == [EVE]
    with pytest.raises(LinkNotValid):
        await people.invitations.accept(first, PASSWORD, "")
    id = second.partition("_")[0]
    await people.invitations.withdraw(ada, id)
    with pytest.raises(LinkNotValid):
        await people.invitations.accept(second, PASSWORD, "")
    with pytest.raises(InvitationNotFound):
        await people.invitations.withdraw(ada, id)


async def test_invitations_of_one_address_to_two_organisations_make_one_user(
    people: People, ada: SessionCaller, database: Database
) -> None:
    await people.add("bob@example.com")
    bob = await people.caller(await people.login("bob@example.com"))
    tokens = [await people.invite(ada, EVE), await people.invite(bob, EVE)]
    await asyncio.gather(*(people.invitations.accept(token, PASSWORD, "") for token in tokens))
    [eve] = await stored(database, select(users).where(users.c.email == EVE))
    joined = await stored(database, select(members).where(members.c.user_id == eve.id))
    assert {row.org_id for row in joined} == {ada.org_id, bob.org_id}


async def test_refused_password_keeps_the_invitation(people: People, ada: SessionCaller) -> None:
    token = await people.invite(ada, EVE)
    for password in (None, "short", EVE):
        with pytest.raises(ValidationFailed) as refused:
            await people.invitations.accept(token, password, "")
        assert [violation.field for violation in refused.value.violations] == ["password"]
    await people.invitations.accept(token, PASSWORD, "")


async def test_member_is_not_invited_again(people: People, ada: SessionCaller) -> None:
    with pytest.raises(AlreadyAMember):
        await people.invitations.create(ada, ADA.upper(), "member")


async def test_invitations_of_a_day_are_limited(people: People, ada: SessionCaller) -> None:
    """Withdrawn ones count, too: each was a mail to a stranger."""
    made = [
        await people.invitations.create(ada, f"{n}@example.com", "member") for n in range(MAX_INVITATIONS)
    ]
    await people.invitations.withdraw(ada, made[0].id)
    people.clock.advance(86_000)
    with pytest.raises(TooManyInvitations) as refused:
        await people.invitations.create(ada, EVE, "member")
    assert refused.value.retry_after_s == 400
    people.clock.advance(400)
    await people.invitations.create(ada, EVE, "member")


async def test_closed_registration_lets_only_known_people_join(database: Database, writer: Writer) -> None:
    """C-78: `off`; by `invite` and `open` everybody may."""
    opened, closed = People(database, writer), People(database, writer, is_open=False)
    await opened.start()
    await opened.add()
    await opened.add("bob@example.com")
    ada = await opened.caller(await opened.login())
    with pytest.raises(RegistrationClosed):
        await closed.invitations.accept(await opened.invite(ada, EVE), PASSWORD, "")
    await closed.invitations.accept(await opened.invite(ada, "bob@example.com"), None, "")
    await opened.stop()
    await closed.stop()


async def test_mail_of_an_invitation_escapes_the_names(people: People, ada: SessionCaller) -> None:
    """Names are as people gave them, in a mail to a stranger."""
    mail = Letters("https://app.test").invitation(EVE, "<b>Ada</b>", '"><a href="https://evil.test">', "t")
    assert "<b>Ada" not in mail.html
    assert 'href="https://evil.test"' not in mail.html
    assert "&lt;b&gt;Ada" in mail.html


async def test_sweep_deletes_expired_invitations(
    people: People, ada: SessionCaller, database: Database
) -> None:
    await people.invite(ada, EVE)
    people.clock.advance(WEEK_S - 1)
    ada = await people.caller(await people.login())
    await people.invite(ada, "bob@example.com")
    people.clock.advance(1)
    await people.writer.run(sweep, people.clock.now_ms())
    assert [row.email for row in await stored(database, select(invitations))] == ["bob@example.com"]
