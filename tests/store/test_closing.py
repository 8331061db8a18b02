"""Owners close organisations, on both engines (contract row Z-59)."""

import pyotp
import pytest
from sqlalchemy import select

from server.accounts import store
from server.accounts.faults import InvalidCode, InvalidLogin, LinkNotValid, NotAMember, SecondFactorRequired
from server.db.database import Database
from server.db.tables.accounts import members, organisations, sessions
from server.keys.authenticate import ApiKeyAuthenticator
from server.keys.mint import mint
from server.keys.store import add
from server.wire.caller import SessionCaller
from server.wire.faults import InvalidCredentials, MissingRole
from tests.harness.rows import row_count, stored
from tests.store.people import ADA, PASSWORD, People

EVE = "eve@example.com"


async def close(people: People, caller: SessionCaller, code: str | None = None) -> None:
    user = await people.sign_in.confirm_password(caller, PASSWORD)
    await people.closing.close(caller, user, code)


async def test_nobody_has_access_to_a_closed_organisation(
    people: People, ada: SessionCaller, database: Database
) -> None:
    await people.add(EVE)
    invitation = await people.invite(ada, "bob@example.com")
    await people.invitations.accept(await people.invite(ada, EVE, "admin"), None, "")
    theirs = (await people.sign_in.login(EVE, PASSWORD, ada.org_id)).token
    own = await people.login(EVE)
    key = mint("zm")
    await people.writer.run(add, ada.org_id, key, "a key", "full", people.clock.now_ms())
    keys = ApiKeyAuthenticator(database, people.clock)
    await keys.authenticate(key.key)
    await close(people, ada)
    people.clock.advance(5)
    with pytest.raises(InvalidCredentials):
        await keys.authenticate(key.key)
    with pytest.raises(InvalidCredentials):
        await people.caller(theirs)
    for email in (ADA, EVE):
        with pytest.raises(NotAMember):
            await people.sign_in.login(email, PASSWORD, ada.org_id)
    eve = await people.sign_in.session(await people.caller(own))
    assert [one.org_id != ada.org_id for one in eve.memberships] == [True]
    with pytest.raises(LinkNotValid):
        await people.invitations.accept(invitation, PASSWORD, "")


async def test_closed_organisation_keeps_its_data_and_opens_again(
    people: People, ada: SessionCaller, database: Database
) -> None:
    await close(people, ada)
    [row] = await stored(database, select(organisations).where(organisations.c.org_id == ada.org_id))
    assert row.closed_at == people.clock.now_ms()
    assert await row_count(database, members) == 1
    assert await row_count(database, sessions) == 0
    await people.writer.run(store.change_organisation, ada.org_id, {"closed_at": None})
    assert (await people.caller(await people.login())).role == "owner"


async def test_all_owners_get_a_mail(people: People, ada: SessionCaller) -> None:
    await people.join(ada, EVE, "owner")
    await people.join(ada, "bob@example.com", "admin")
    await close(people, ada)
    closed = [mail for mail in await people.mails() if mail.subject == "An organisation was closed"]
    assert {mail.to for mail in closed} == {ADA, EVE}
    assert all(f"{ADA} closed the organisation" in mail.text for mail in closed)


async def test_only_owners_close(people: People, ada: SessionCaller) -> None:
    """The role is read anew: a session may know an earlier one for some seconds."""
    eve = await people.join(ada, EVE, "owner")
    await people.members.change_role(ada, eve.user_id, "admin")
    with pytest.raises(MissingRole):
        await close(people, eve)
    with pytest.raises(InvalidLogin):
        await people.sign_in.confirm_password(ada, "wrong password")
    await people.caller(await people.login())


async def test_second_factor_is_asked_for(people: People, ada: SessionCaller) -> None:
    user = await people.sign_in.confirm_password(ada, PASSWORD)
    secret = (await people.second_factor.begin(user)).secret
    app = pyotp.TOTP(secret)
    await people.second_factor.activate(ada, app.at(people.clock.now_ms() // 1000))
    people.clock.advance(60)
    with pytest.raises(SecondFactorRequired):
        await close(people, ada)
    with pytest.raises(InvalidCode):
        await close(people, ada, "wrong")
    await close(people, ada, app.at(people.clock.now_ms() // 1000))
    with pytest.raises(NotAMember):
        await people.sign_in.login(ADA, PASSWORD, None, app.at(people.clock.now_ms() // 1000 + 30))
