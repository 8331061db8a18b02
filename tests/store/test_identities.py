"""The ways to sign in to an account, and the end of logins at a provider, on both engines (C-10)."""

import pytest

from server.accounts.faults import InvalidLogin
from server.accounts.identities import Identities
from server.accounts.letters import Letters
from server.accounts.oidc_faults import IdentityDeactivated, IdentityNotFound
from server.wire.caller import SessionCaller
from server.wire.faults import InvalidCredentials
from tests.store.at_provider import APP_URL, AtProvider
from tests.store.people import ADA, PASSWORD, People
from tests.store.test_second_factor import activated

BABBAGE = "babbage@example.com"


@pytest.fixture
def identities(people: People) -> Identities:
    return Identities(
        *(people.database, people.writer, people.clock, people.sessions),
        *(people.system_mail, Letters(APP_URL)),
    )


async def test_ways_to_sign_in_are_those_of_the_user_alone(
    at: AtProvider, ada: SessionCaller, identities: Identities, people: People
) -> None:
    assert await identities.methods(ada) == (False, 0, [])
    at.add("1")
    at.add("2")
    at.add("3", BABBAGE)
    for subject in ("2", "1", "3"):
        await at.sign_in(subject)
        people.clock.advance(1)
    _, codes = await activated(people, ada)
    methods = await identities.methods(ada)
    assert (methods.second_factor, methods.recovery_codes_left) == (True, len(codes))
    assert [(one.issuer, one.subject) for one in methods.identities] == [
        (at.provider.url, "2"),
        (at.provider.url, "1"),
    ]
    await at.sign_in("1", code=codes[0])
    assert (await identities.methods(ada)).recovery_codes_left == len(codes) - 1


async def test_deactivated_identity_signs_nobody_in(
    at: AtProvider, ada: SessionCaller, identities: Identities, people: People
) -> None:
    """Neither by its id nor by its address: it is not made anew. The other identity and the password do."""
    at.add("1")
    at.add("2")
    before = await at.sign_in("1")
    await at.sign_in("2")
    user = await people.sign_in.confirm_password(ada, PASSWORD)
    one = next(one for one in (await identities.methods(ada)).identities if one.subject == "1")
    off = await identities.deactivate(ada, user, one.id)
    assert off == one._replace(deactivated_at=people.clock.now_ms())
    with pytest.raises(InvalidCredentials):
        await people.caller(before.token)
    for _ in range(2):
        with pytest.raises(IdentityDeactivated):
            await at.sign_in("1")
    assert (await at.sign_in("2")).user.id == ada.user_id
    assert (await people.sign_in.login(ADA, PASSWORD, None)).user.id == ada.user_id
    people.clock.advance(1)
    assert await identities.deactivate(ada, user, one.id) == off
    assert await identities.activate(user, one.id) == one
    assert (await at.sign_in("1")).user.id == ada.user_id
    assert (await people.subjects())[-2:] == [
        "A way to sign in was deactivated",
        "A way to sign in was activated",
    ]


async def test_identity_of_another_user_is_none(
    at: AtProvider, ada: SessionCaller, identities: Identities, people: People
) -> None:
    at.add("3", BABBAGE)
    babbage = await people.caller((await at.sign_in("3")).token)
    [theirs] = (await identities.methods(babbage)).identities
    user = await people.sign_in.confirm_password(ada, PASSWORD)
    for act in (identities.deactivate(ada, user, theirs.id), identities.activate(user, theirs.id)):
        with pytest.raises(IdentityNotFound):
            await act
    assert (await at.sign_in("3")).user.id == babbage.user_id


async def test_person_without_a_password_keeps_the_only_way_in(at: AtProvider, people: People) -> None:
    """The password is asked for: whoever registered at the provider knows none, and sets one first."""
    at.add("3", BABBAGE)
    babbage = await people.caller((await at.sign_in("3")).token)
    with pytest.raises(InvalidLogin):
        await people.sign_in.confirm_password(babbage, "")
    await people.registration.reset(await people.request_reset(BABBAGE), PASSWORD)
    assert (await people.sign_in.confirm_password(babbage, PASSWORD)).id == babbage.user_id
