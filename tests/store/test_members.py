"""Organisations, their members and invitations, on both engines (contract rows C-77, C-78, Z-59)."""

import asyncio

import pytest

from server.accounts.faults import (
    InvitationNotFound,
    LastOwner,
    MemberNotFound,
    NotAMember,
)
from server.db.database import Database
from server.db.tables.accounts import members
from server.faults import ValidationFailed
from server.ids import SYSTEM_ORG_ID, new_id
from server.permissions import RoleName
from server.wire.caller import SessionCaller
from server.wire.faults import InvalidCredentials, MissingRole
from tests.harness.rows import row_count
from tests.store.people import ADA, PASSWORD, People

EVE = "eve@example.com"
WEEK_S = 7 * 86_400


async def test_person_of_several_organisations_moves_between_them(people: People, ada: SessionCaller) -> None:
    """The session ends, and a new one begins."""
    await people.add(EVE)
    await people.invitations.accept(await people.invite(ada, EVE, "read_only"), None, "")
    first = await people.caller(await people.login(EVE))
    assert (first.org_id != ada.org_id, first.role) == (True, "owner")
    second = await people.caller((await people.sign_in.switch(first, ada.org_id)).token)
    assert (second.org_id, second.user_id, second.role) == (ada.org_id, first.user_id, "read_only")
    with pytest.raises(InvalidCredentials):
        await people.sign_in.switch(first, first.org_id)
    for org_id in (new_id(), "", SYSTEM_ORG_ID):
        with pytest.raises(NotAMember):
            await people.sign_in.switch(second, org_id)
    assert (await people.sign_in.switch(second, first.org_id)).membership.role == "owner"


async def test_session_that_moves_ends_after_30_days_all_the_same(people: People) -> None:
    """C-75."""
    begun_ms, token, ends = people.clock.now_ms(), await people.login(), []
    for _ in range(100):
        people.clock.advance(43_200)
        try:
            caller = await people.caller(token)
        except InvalidCredentials:
            break
        session = await people.sign_in.switch(caller, caller.org_id)
        token = session.token
        ends.append(session.expires_at)
    assert max(ends) == people.clock.now_ms() == begun_ms + 30 * 86_400_000


@pytest.mark.parametrize("role", ["admin", "owner"])
async def test_only_owners_decide_about_owners(people: People, ada: SessionCaller, role: RoleName) -> None:
    """C-77: an admin neither makes an owner, nor changes or removes one."""
    eve = await people.join(ada, EVE, role)
    acts = (
        lambda: people.members.change_role(eve, ada.user_id, "admin"),
        lambda: people.members.change_role(eve, eve.user_id, "owner"),
        lambda: people.invitations.create(eve, "bob@example.com", "owner"),
        lambda: people.members.remove(eve, ada.user_id),
    )
    for act in acts:
        if role == "owner":
            await act()
        else:
            with pytest.raises(MissingRole):
                await act()
    assert (ADA in await people.roles(eve)) == (role == "admin")


@pytest.mark.parametrize("role", ["read_only", "member"])
async def test_role_that_was_taken_away_decides_nothing(
    people: People, ada: SessionCaller, role: RoleName
) -> None:
    """A session may know its old role for some seconds; what concerns members reads it anew."""
    eve = await people.join(ada, EVE, "admin")
    bob = await people.join(ada, "bob@example.com")
    await people.members.change_role(ada, eve.user_id, role)
    for act in (
        people.members.change_role(eve, bob.user_id, "admin"),
        people.members.remove(eve, bob.user_id),
        people.invitations.create(eve, "carol@example.com", "member"),
    ):
        with pytest.raises(MissingRole):
            await act


async def test_last_owner_stays(people: People, ada: SessionCaller) -> None:
    for act in (
        people.members.change_role(ada, ada.user_id, "admin"),
        people.members.remove(ada, ada.user_id),
        people.members.leave(ada),
    ):
        with pytest.raises(LastOwner):
            await act
    eve = await people.join(ada, EVE, "owner")
    await people.members.leave(ada)
    assert await people.roles(eve) == {EVE: "owner"}


@pytest.mark.parametrize("act", ["leaves", "is removed", "is an admin now"])
async def test_address_of_the_organisation_is_one_of_an_owner(
    people: People, ada: SessionCaller, act: str
) -> None:
    """C-70: in the sandbox mail goes to it alone."""
    admin = await people.join(ada, "admin@example.com", "admin")
    eve = await people.join(ada, EVE, "owner")
    await people.members.remove(eve, admin.user_id)
    assert (await people.members.organisation(eve)).owner_email == ADA
    if act == "leaves":
        await people.members.leave(ada)
    elif act == "is removed":
        await people.members.remove(eve, ada.user_id)
    else:
        await people.members.change_role(eve, ada.user_id, "admin")
    assert (await people.members.organisation(eve)).owner_email == EVE


async def test_two_owners_who_leave_at_the_same_moment_leave_one(
    people: People, ada: SessionCaller, database: Database
) -> None:
    eve = await people.join(ada, EVE, "owner")
    results = await asyncio.gather(
        people.members.leave(ada), people.members.remove(eve, eve.user_id), return_exceptions=True
    )
    assert sorted(type(result) for result in results if result) == [LastOwner], results
    assert await row_count(database, members) == 1


async def test_change_of_a_role_holds_for_sessions_at_once(people: People, ada: SessionCaller) -> None:
    await people.join(ada, EVE)
    token = (await people.sign_in.login(EVE, PASSWORD, None)).token
    eve = await people.caller(token)
    changed = await people.members.change_role(ada, eve.user_id, "read_only")
    assert (changed.email, changed.role) == (EVE, "read_only")
    assert (await people.caller(token)).role == "read_only"


async def test_removed_member_keeps_its_other_organisations(people: People, ada: SessionCaller) -> None:
    await people.add(EVE)
    eve = await people.join(ada, EVE)
    here = (await people.sign_in.login(EVE, PASSWORD, ada.org_id)).token
    own = await people.login(EVE)
    await people.members.remove(ada, eve.user_id)
    with pytest.raises(InvalidCredentials):
        await people.caller(here)
    assert (await people.caller(own)).org_id != ada.org_id
    with pytest.raises(NotAMember):
        await people.sign_in.login(EVE, PASSWORD, ada.org_id)


async def test_members_of_others_are_unknown(people: People, ada: SessionCaller) -> None:
    eve_id = await people.add(EVE)
    for id in (eve_id, new_id()):
        with pytest.raises(MemberNotFound):
            await people.members.change_role(ada, id, "admin")
        with pytest.raises(MemberNotFound):
            await people.members.remove(ada, id)
    eve = await people.caller(await people.login(EVE))
    token = await people.invite(ada, "bob@example.com")
    with pytest.raises(InvitationNotFound):
        await people.invitations.withdraw(eve, token.partition("_")[0])
    assert await people.waiting(eve) == []


async def test_organisation_is_renamed(people: People, ada: SessionCaller) -> None:
    assert (await people.members.rename(ada, " Engines ")).name == "Engines"
    assert (await people.members.organisation(ada)).name == "Engines"
    for name in ("", "  ", "x" * 101, "a\nb"):
        with pytest.raises(ValidationFailed):
            await people.members.rename(ada, name)
