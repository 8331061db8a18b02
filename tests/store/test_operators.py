"""Operators, their tokens, and the sessions that they open on behalf of members (C-76, F-14)."""

import jwt
import pytest
from sqlalchemy import delete, select, update

from server.accounts import operators, session_store
from server.accounts.faults import MemberNotFound
from server.accounts.operator_log import Actor
from server.accounts.operators import CACHE_MS, NewToken, OperatorTokens
from server.admin.acts import By
from server.admin.faults import OrganisationNotFound
from server.admin.impersonation import LASTS_MS, Impersonation, impersonate
from server.db.database import Database
from server.db.tables.accounts import members, sessions, users
from server.db.tx import Tx
from server.db.writer import Writer
from server.faults import ValidationFailed
from server.ids import new_id
from server.permissions import RoleName
from server.wire.access import ROLES
from server.wire.caller import OperatorCaller, SessionCaller
from server.wire.faults import InvalidCredentials
from tests.harness.clock import ManualClock
from tests.harness.rows import stored
from tests.store.people import ADA, PASSWORD, People

EVE = "eve@example.com"


def by(people: People, actor: Actor | None = None) -> By:
    """An act of an operator, now."""
    return By(
        actor or Actor("operator", "", "console"), "AdminService/CreateImpersonation", people.clock.now_ms()
    )


async def new_token(people: People) -> NewToken:
    return await people.writer.run(operators.add_token, "console", people.clock.now_ms())


async def opened(
    people: People, caller: SessionCaller, operator_id: str, role: RoleName = "read_only", user_id: str = ""
) -> Impersonation:
    """A session on behalf of the caller, or of another member."""
    act = by(people, Actor("operator", operator_id, "console"))
    return await people.writer.run(
        impersonate, people.tokens, caller.org_id, user_id or caller.user_id, role, act
    )


async def test_token_is_known_until_it_is_revoked(database: Database, writer: Writer) -> None:
    clock = ManualClock()
    made = await writer.run(operators.add_token, "console", clock.now_ms())
    tokens = OperatorTokens(database, clock)
    assert await tokens.authenticate(made.token) == OperatorCaller(made.id, "console")
    for wrong in (
        made.token[:-1] + ("0" if made.token[-1] != "0" else "1"),
        made.token[:-1],
        "zo_",
        "zo_x_y",
    ):
        with pytest.raises(InvalidCredentials):
            await tokens.authenticate(wrong)
    unknown = f"zo_{new_id()}_{'0' * 64}"
    with pytest.raises(InvalidCredentials):
        await tokens.authenticate(unknown)
    assert await writer.run(operators.revoke_token, made.id, clock.now_ms())
    assert not await writer.run(operators.revoke_token, made.id, clock.now_ms())
    clock.advance(CACHE_MS / 1000)
    with pytest.raises(InvalidCredentials):
        await tokens.authenticate(made.token)
    [row] = await database.read(operators.tokens)
    assert (row.id, row.name, row.revoked_at) == (made.id, "console", clock.now_ms() - CACHE_MS)


async def test_store_holds_no_token(database: Database, writer: Writer) -> None:
    made = await writer.run(operators.add_token, "console", 0)
    secret = made.token.rpartition("_")[2]
    rows = await database.read(operators.tokens)
    assert secret not in str(rows)
    assert secret not in repr(made)


async def test_user_is_an_operator_while_marked(people: People, ada: SessionCaller) -> None:
    token = await people.login()
    assert not (await people.caller(token)).is_operator
    assert await people.writer.run(operators.mark, "nobody@example.com", 1) is None
    user = await people.writer.run(operators.mark, ADA, people.clock.now_ms())
    assert user is not None
    people.sessions.forget_user(ada.user_id)
    marked = await people.caller(token)
    assert (marked.is_operator, marked.user_email) == (True, ADA)
    await people.writer.run(operators.mark, ADA, None)
    people.clock.advance(CACHE_MS / 1000)
    unmarked = await people.caller(token)
    assert (unmarked.is_operator, unmarked.user_email) == (False, "")


async def test_operator_with_a_second_factor_needs_a_session_that_was_opened_with_it(
    people: People, ada: SessionCaller
) -> None:
    """C-76: a login that began before the second factor counted may end after it."""
    await people.writer.run(operators.mark, ADA, people.clock.now_ms())
    token = await people.login()
    factor = update(users).where(users.c.id == ada.user_id).values(totp_since=people.clock.now_ms())
    await people.writer.run(Tx.change, factor)
    people.sessions.forget_user(ada.user_id)
    without = await people.caller(token)
    assert (without.is_operator, without.lacks_second_factor) == (False, True)
    await people.writer.run(session_store.note_second_factor, without.org_id, without.session_id)
    people.sessions.forget_user(ada.user_id)
    with_factor = await people.caller(token)
    assert (with_factor.is_operator, with_factor.lacks_second_factor) == (True, False)
    # It is the session that was opened with it, in whichever organisation it is.
    moved = await people.caller((await people.sign_in.switch(with_factor, with_factor.org_id)).token)
    assert moved.is_operator


async def test_missing_second_factor_is_no_matter_of_other_users(people: People, ada: SessionCaller) -> None:
    token = await people.login()
    factor = update(users).where(users.c.id == ada.user_id).values(totp_since=people.clock.now_ms())
    await people.writer.run(Tx.change, factor)
    people.sessions.forget_user(ada.user_id)
    assert not (await people.caller(token)).lacks_second_factor


async def test_session_on_behalf_of_a_member_is_marked_and_reads(people: People, ada: SessionCaller) -> None:
    operator = await new_token(people)
    made = await opened(people, ada, operator.id)
    caller = await people.caller(made.token)
    assert (caller.org_id, caller.user_id, caller.role) == (ada.org_id, ada.user_id, "read_only")
    assert (caller.operator_id, caller.operator_name, caller.is_operator) == (operator.id, "console", False)
    claims = jwt.decode(made.token, options={"verify_signature": False})
    assert claims["act"] == {"sub": operator.id}
    [row] = await stored(
        people.database, select(sessions.c.operator_id).where(sessions.c.id == made.session_id)
    )
    assert row.operator_id == operator.id
    own = await people.caller(await people.login())
    assert (own.operator_id, own.operator_name) == ("", "")


async def test_session_on_behalf_of_an_operator_is_no_operators(people: People, ada: SessionCaller) -> None:
    await people.writer.run(operators.mark, ADA, people.clock.now_ms())
    made = await opened(people, ada, (await new_token(people)).id)
    assert not (await people.caller(made.token)).is_operator


async def test_session_on_behalf_of_a_member_ends_after_half_an_hour_and_is_not_renewed(
    people: People, ada: SessionCaller
) -> None:
    made = await opened(people, ada, (await new_token(people)).id)
    people.clock.advance(LASTS_MS / 1000 * 0.9)
    caller = await people.caller(made.token)
    session = await people.sign_in.session(caller)
    assert (session.token, session.expires_at, session.operator_name) == ("", made.expires_at, "console")
    people.clock.advance(LASTS_MS / 1000 * 0.1 + 1)
    with pytest.raises(InvalidCredentials):
        await people.caller(made.token)


@pytest.mark.parametrize("end", ["token", "mark", "member", "logout"])
async def test_session_on_behalf_of_a_member_ends_with_its_reason(
    people: People, ada: SessionCaller, end: str
) -> None:
    operator_id = (await new_token(people)).id
    if end == "mark":
        operator_id = await people.add(EVE)
        await people.writer.run(operators.mark, EVE, people.clock.now_ms())
    made = await opened(people, ada, operator_id)
    caller = await people.caller(made.token)
    if end == "token":
        await people.writer.run(operators.revoke_token, operator_id, people.clock.now_ms())
    elif end == "mark":
        await people.writer.run(operators.mark, EVE, None)
    elif end == "member":
        await people.writer.run(Tx.change, delete(members).where(members.c.user_id == ada.user_id))
    else:
        await people.sign_in.logout(caller)
    people.clock.advance(CACHE_MS / 1000)
    with pytest.raises(InvalidCredentials):
        await people.caller(made.token)


@pytest.mark.parametrize("own", ROLES)
async def test_role_of_a_session_is_at_most_that_of_the_member(
    people: People, ada: SessionCaller, own: RoleName
) -> None:
    """And never that of an owner."""
    eve = await people.join(ada, EVE, own)
    operator_id, ranks = (await new_token(people)).id, list(ROLES)
    for role in ROLES:
        if role == "owner" or ranks.index(role) > ranks.index(own):
            with pytest.raises(ValidationFailed):
                await opened(people, ada, operator_id, role, eve.user_id)
        else:
            made = await opened(people, ada, operator_id, role, eve.user_id)
            assert (await people.caller(made.token)).role == role


async def test_role_that_the_member_loses_is_lost_by_the_session(people: People, ada: SessionCaller) -> None:
    eve = await people.join(ada, EVE, "admin")
    made = await opened(people, ada, (await new_token(people)).id, "admin", eve.user_id)
    await people.members.change_role(ada, eve.user_id, "read_only")
    assert (await people.caller(made.token)).role == "read_only"


async def test_only_members_of_open_organisations_are_acted_for(people: People, ada: SessionCaller) -> None:
    operator_id, stranger = (await new_token(people)).id, await people.add(EVE)
    with pytest.raises(MemberNotFound):
        await opened(people, ada, operator_id, user_id=stranger)
    nowhere = SessionCaller(new_id(), ada.user_id, "owner", 0)
    with pytest.raises(OrganisationNotFound):
        await opened(people, nowhere, operator_id)
    user = await people.sign_in.confirm_password(ada, PASSWORD)
    await people.closing.close(ada, user, None)
    with pytest.raises(OrganisationNotFound):
        await opened(people, ada, operator_id)
