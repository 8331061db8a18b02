"""Logins at an OpenID Connect provider, on both engines: whom they sign in (C-10, C-70, C-78)."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import select

from server.accounts.faults import (
    InvalidCode,
    InvalidLogin,
    NotAMember,
    RegistrationClosed,
    SecondFactorRequired,
    TooManyAttempts,
)
from server.accounts.oidc import FINISH_WITHIN_MS
from server.accounts.oidc_faults import OidcAddressNotVerified, OidcLoginNotValid
from server.accounts.rules import FREE_ATTEMPTS
from server.accounts.wiring import sweep
from server.db.database import Database
from server.db.tables.accounts import oidc_identities, oidc_logins, organisations, sessions, users
from server.ids import new_id
from server.wire.caller import SessionCaller
from tests.harness.rows import row_count, stored
from tests.store.at_provider import AtProvider
from tests.store.people import ADA, PASSWORD, People
from tests.store.test_second_factor import App, activated

MISSING = "0" * 24
BABBAGE = "babbage@example.com"


async def test_verified_address_signs_an_existing_user_in(at: AtProvider, ada: SessionCaller) -> None:
    """The session is as one of a password; a mail tells the user of the new way."""
    at.add(email=ADA.upper())
    session = await at.sign_in()
    caller = await at.people.caller(session.token)
    assert (caller.org_id, caller.user_id, caller.role) == (ada.org_id, ada.user_id, "owner")
    await at.sign_in()
    assert await at.people.subjects() == ["Confirm your address", "A new way to sign in"]


async def test_known_person_is_found_by_the_id_whatever_the_address_says(
    at: AtProvider, ada: SessionCaller
) -> None:
    at.add()
    await at.sign_in()
    at.add(email=BABBAGE, email_verified=False)
    assert (await at.sign_in()).user.id == ada.user_id


async def test_same_id_at_another_provider_is_another_person(
    at: AtProvider, ada: SessionCaller, database: Database
) -> None:
    at.add()
    await at.sign_in()
    await at.people.writer.run(
        lambda tx: tx.change(oidc_identities.update().values(issuer="https://other.test"))
    )
    at.add(email=BABBAGE)
    session = await at.sign_in()
    assert session.user.id != ada.user_id
    assert await row_count(database, oidc_identities) == 2


async def test_unknown_person_registers_with_an_organisation_in_the_sandbox(
    at: AtProvider, database: Database
) -> None:
    """C-70: as a registration whose address is confirmed."""
    await at.people.register(BABBAGE)
    at.add(email=BABBAGE, name="Charles\nBabbage" + "x" * 200)
    session = await at.sign_in()
    [row] = await stored(database, select(organisations).where(organisations.c.owner_email == BABBAGE))
    assert (row.org_id, row.sandbox, row.plan, row.name) == (session.membership.org_id, True, "free", BABBAGE)
    assert (session.membership.role, session.user.name) == ("owner", ("CharlesBabbage" + "x" * 200)[:100])
    assert (await at.sign_in()).user.id == session.user.id


async def test_registered_person_has_no_password_before_a_reset(at: AtProvider) -> None:
    at.add(email=BABBAGE)
    session = await at.sign_in()
    for password in ("", PASSWORD):
        with pytest.raises(InvalidLogin):
            await at.people.sign_in.login(BABBAGE, password, None)
    await at.people.registration.reset(await at.people.request_reset(BABBAGE), PASSWORD)
    assert (await at.people.sign_in.login(BABBAGE, PASSWORD, None)).user.id == session.user.id


async def test_closed_registration_takes_known_people_only(
    at_closed: AtProvider, ada: SessionCaller, database: Database
) -> None:
    """C-78: `invite` and `off`."""
    at_closed.add("1")
    at_closed.add("2", BABBAGE)
    assert (await at_closed.sign_in("1")).user.id == ada.user_id
    before = await row_count(database, users)
    with pytest.raises(RegistrationClosed):
        await at_closed.sign_in("2")
    assert await row_count(database, users) == before


@pytest.mark.parametrize("is_verified", [False, None, "true", 1])
@pytest.mark.parametrize("email", [ADA, BABBAGE])
async def test_unverified_address_neither_links_nor_registers(
    at: AtProvider, ada: SessionCaller, database: Database, email: str, is_verified: object
) -> None:
    """Else anybody could name another's address at the provider."""
    at.add(email=email, email_verified=is_verified)
    before = await row_count(database, users)
    with pytest.raises(OidcAddressNotVerified):
        await at.sign_in()
    assert await row_count(database, oidc_identities) == 0
    assert await row_count(database, users) == before


@pytest.mark.parametrize("email", [None, 7, "", "no address", "a@b@c", "a\0@example.com"])
async def test_person_without_an_address_is_refused(at: AtProvider, email: object) -> None:
    at.provider.add("1", email=email, email_verified=True)
    with pytest.raises(OidcAddressNotVerified):
        await at.sign_in()


async def test_address_may_come_from_the_userinfo_endpoint(at: AtProvider, ada: SessionCaller) -> None:
    """Some providers keep it out of ID tokens."""
    at.provider.add("1")
    at.provider.userinfo = {"sub": "1", "email": ADA, "email_verified": True}
    assert (await at.sign_in()).user.id == ada.user_id


async def test_login_is_finished_once(at: AtProvider, ada: SessionCaller, database: Database) -> None:
    at.add()
    returned = await at.come_back()
    await at.finish(returned)
    for again in (returned, returned._replace(code="other")):
        with pytest.raises(OidcLoginNotValid):
            await at.finish(again)
    assert await row_count(database, oidc_logins) == 0


async def test_one_of_many_calls_at_the_same_moment_finishes_a_login(
    at: AtProvider, ada: SessionCaller, database: Database
) -> None:
    at.add()
    before = await row_count(database, sessions)
    returned = await at.come_back()
    results = await asyncio.gather(*(at.finish(returned) for _ in range(8)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, OidcLoginNotValid)]
    assert (len(refused), await row_count(database, sessions) - before) == (7, 1)


async def test_login_belongs_to_the_browser_that_began_it(at: AtProvider, ada: SessionCaller) -> None:
    """Else a visitor could be signed in as the attacker; and the attempt does not spoil the owner's login."""
    at.add()
    returned, other = await at.come_back(), await at.come_back()
    for binding in ("", other.binding, returned.binding + "x"):
        with pytest.raises(OidcLoginNotValid):
            await at.finish(returned._replace(binding=binding))
    await at.finish(returned)


@pytest.mark.parametrize("state", ["", "x", f"{MISSING}_{'A' * 43}", "\0", "é" * 40])
async def test_unknown_state_is_refused_without_a_call(at: AtProvider, state: str) -> None:
    at.add()
    returned = await at.come_back()
    for wrong in (state, returned.state[:-1] + ("A" if returned.state[-1] != "A" else "B")):
        with pytest.raises(OidcLoginNotValid):
            await at.finish(returned._replace(state=wrong))
    assert at.provider.calls["/token"] == 0


async def test_login_expires_and_is_swept(at: AtProvider, database: Database) -> None:
    at.add()
    returned = await at.come_back()
    at.people.clock.advance(FINISH_WITHIN_MS / 1000 - 1)
    await at.come_back()
    at.people.clock.advance(1)
    with pytest.raises(OidcLoginNotValid):
        await at.finish(returned)
    await at.people.writer.run(sweep, at.people.clock.now_ms())
    assert await row_count(database, oidc_logins) == 1


async def test_secrets_of_a_login_are_not_stored_in_clear(at: AtProvider, database: Database) -> None:
    at.add()
    returned = await at.come_back()
    [row] = await stored(database, select(oidc_logins))
    kept = b"".join([row.state_hash, row.binding_hash, row.secrets, row.id.encode()])
    for secret in (returned.state, returned.state.partition("_")[2], returned.binding, "verifier", "nonce"):
        assert secret.encode() not in kept


async def test_session_is_in_the_organisation_that_was_named(at: AtProvider, ada: SessionCaller) -> None:
    at.add()
    session = await at.finish(await at.come_back(), org_id=ada.org_id)
    assert session.membership.org_id == ada.org_id
    with pytest.raises(NotAMember):
        await at.finish(await at.come_back(), org_id=new_id())


@pytest.fixture
async def app(people: People, ada: SessionCaller) -> tuple[App, Sequence[str]]:
    """The authenticator app and the recovery codes of Ada."""
    return await activated(people, ada)


async def test_second_factor_is_asked_for_and_the_login_goes_on(
    at: AtProvider, app: tuple[App, Sequence[str]], database: Database
) -> None:
    """The provider is asked once; nothing is linked before the code is right."""
    at.add()
    returned = await at.come_back()
    with pytest.raises(SecondFactorRequired) as asked:
        await at.finish(returned)
    assert asked.value.metadata == {"field": "second_factor_code"}
    with pytest.raises(InvalidCode):
        await at.finish(returned, "000000")
    with pytest.raises(OidcLoginNotValid):
        await at.finish(returned._replace(code="other"), app[0].code())
    assert await row_count(database, oidc_identities) == 0
    session = await at.finish(returned, app[0].code())
    assert at.provider.calls["/token"] == 1
    [row] = await stored(database, select(sessions).where(sessions.c.expires_at == session.expires_at))
    assert row.second_factor
    with pytest.raises(OidcLoginNotValid):
        await at.finish(returned, app[1][0])


async def test_recovery_code_stands_for_the_app(at: AtProvider, app: tuple[App, Sequence[str]]) -> None:
    at.add()
    await at.sign_in(code=app[1][0])
    with pytest.raises(InvalidCode):
        await at.sign_in(code=app[1][0])


async def test_guesses_of_codes_are_throttled_with_those_of_passwords(
    at: AtProvider, app: tuple[App, Sequence[str]]
) -> None:
    """Z-46."""
    at.add()
    returned = await at.come_back()
    for _ in range(FREE_ATTEMPTS):
        with pytest.raises(InvalidCode):
            await at.finish(returned, "000000")
    with pytest.raises(TooManyAttempts):
        await at.finish(returned, app[0].code())
    with pytest.raises(TooManyAttempts):
        await at.people.sign_in.login(ADA, PASSWORD, None, app[0].code())


async def test_two_right_codes_at_the_same_moment_make_one_session(
    at: AtProvider, app: tuple[App, Sequence[str]], database: Database
) -> None:
    at.add()
    returned = await at.come_back()
    with pytest.raises(SecondFactorRequired):
        await at.finish(returned)
    before = await row_count(database, sessions)
    calls = (at.finish(returned, code) for code in app[1][:2])
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(one) for one in results].count(OidcLoginNotValid) == 1
    assert await row_count(database, sessions) == before + 1
