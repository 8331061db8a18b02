"""The second factor of a login, on both engines (TOTP, RFC 6238)."""

import asyncio
from collections.abc import Sequence

import pyotp
import pytest
from sqlalchemy import select

from server.accounts.faults import (
    InvalidCode,
    InvalidLogin,
    SecondFactorActive,
    SecondFactorNotActive,
    SecondFactorNotBegun,
    SecondFactorRequired,
    TooManyAttempts,
)
from server.accounts.rules import FREE_ATTEMPTS
from server.db.database import Database
from server.db.tables.accounts import recovery_codes, users
from server.wire.caller import SessionCaller
from server.wire.faults import InvalidCredentials
from tests.harness.rows import row_count, stored
from tests.store.people import ADA, PASSWORD, People

NEW = "staple battery horse"


class App:
    """An authenticator app, with the clock of the tests."""

    def __init__(self, people: People, secret: str) -> None:
        self._people = people
        self.secret = secret

    def code(self, seconds: int = 0) -> str:
        """The code that it shows after these seconds."""
        return pyotp.TOTP(self.secret).at(self._people.clock.now_ms() // 1000 + seconds)


async def begun(people: People, caller: SessionCaller) -> App:
    """An app with the secret of a user who begins."""
    user = await people.sign_in.confirm_password(caller, PASSWORD)
    return App(people, (await people.second_factor.begin(user)).secret)


async def activated(people: People, caller: SessionCaller) -> tuple[App, Sequence[str]]:
    """The app and the recovery codes of a user with a second factor; the code that was used is past."""
    app = await begun(people, caller)
    codes = await people.second_factor.activate(caller, app.code())
    people.clock.advance(60)
    return app, codes


async def login(people: People, code: str | None, password: str = PASSWORD) -> None:
    await people.sign_in.login(ADA, password, None, code)


async def test_second_factor_counts_from_its_activation_on(
    people: People, ada: SessionCaller, database: Database
) -> None:
    app = await begun(people, ada)
    await login(people, None)
    codes = await people.second_factor.activate(ada, app.code())
    assert len(set(codes)) == 10
    people.clock.advance(30)
    with pytest.raises(SecondFactorRequired):
        await login(people, None)
    await login(people, app.code())
    assert (await people.subjects())[-1] == "A second factor was added"
    [row] = await stored(database, select(users))
    assert app.secret.encode() not in bytes(row.totp_secret)
    assert not {row.code_hash for row in await stored(database, select(recovery_codes))} & set(codes)


async def test_activation_ends_the_other_sessions(people: People, ada: SessionCaller) -> None:
    other = await people.login()
    await activated(people, ada)
    with pytest.raises(InvalidCredentials):
        await people.caller(other)
    assert (await people.sign_in.session(ada)).user.totp_since is not None


async def test_wrong_password_does_not_ask_for_a_code(people: People, ada: SessionCaller) -> None:
    app, _ = await activated(people, ada)
    for code in (None, app.code()):
        with pytest.raises(InvalidLogin):
            await login(people, code, "wrong password")


@pytest.mark.parametrize("seconds", [-30, 0, 30])
async def test_code_may_be_one_step_early_or_late(people: People, ada: SessionCaller, seconds: int) -> None:
    app, _ = await activated(people, ada)
    await login(people, app.code(seconds))


@pytest.mark.parametrize("seconds", [-60, 60, -3600])
async def test_code_of_another_time_is_refused(people: People, ada: SessionCaller, seconds: int) -> None:
    app, _ = await activated(people, ada)
    people.clock.advance(3600)
    with pytest.raises(InvalidCode):
        await login(people, app.code(seconds))


async def test_code_works_once(people: People, ada: SessionCaller) -> None:
    """Also at the same moment; an earlier one does not work after it."""
    app, _ = await activated(people, ada)
    earlier = app.code(-30)
    results = await asyncio.gather(*(login(people, app.code()) for _ in range(2)), return_exceptions=True)
    assert sorted(isinstance(result, InvalidCode) for result in results) == [False, True], results
    with pytest.raises(InvalidCode):
        await login(people, earlier)


async def test_code_of_the_activation_is_used(people: People, ada: SessionCaller) -> None:
    app = await begun(people, ada)
    code = app.code()
    await people.second_factor.activate(ada, code)
    with pytest.raises(InvalidCode):
        await login(people, code)


async def test_recovery_code_works_once(people: People, ada: SessionCaller, database: Database) -> None:
    """However it is typed."""
    _, codes = await activated(people, ada)
    await login(people, codes[0].upper().replace("-", " "))
    with pytest.raises(InvalidCode):
        await login(people, codes[0])
    await login(people, codes[9].replace("-", ""))
    assert await row_count(database, recovery_codes) == 8


async def test_recovery_code_of_another_user_is_refused(people: People, ada: SessionCaller) -> None:
    await people.add("eve@example.com")
    eve = await people.caller(await people.login("eve@example.com"))
    _, theirs = await activated(people, eve)
    await activated(people, ada)
    with pytest.raises(InvalidCode):
        await login(people, theirs[0])


@pytest.mark.parametrize("code", ["", "000000 1", "é" * 6, "\0", "x" * 10_000, "12345"])
async def test_wrong_code_is_refused(people: People, ada: SessionCaller, code: str) -> None:
    await activated(people, ada)
    with pytest.raises((InvalidCode, SecondFactorRequired)):
        await login(people, code)


async def test_codes_cannot_be_guessed(people: People, ada: SessionCaller) -> None:
    """Whoever has the password is slowed down as one who guesses it; neither way is there a reset of that."""
    app, _ = await activated(people, ada)
    user = await people.sign_in.confirm_password(ada, PASSWORD)
    for _ in range(FREE_ATTEMPTS - 2):
        with pytest.raises(InvalidCode):
            await login(people, "wrong")
    with pytest.raises(InvalidCode):
        await people.second_factor.deactivate(await people.sign_in.confirm_password(ada, PASSWORD), "wrong")
    with pytest.raises(TooManyAttempts):
        await login(people, app.code())
    with pytest.raises(TooManyAttempts):
        await people.sign_in.confirm_password(ada, PASSWORD)
    assert user.email == ADA


async def test_reset_of_the_password_keeps_the_second_factor(people: People, ada: SessionCaller) -> None:
    """Whoever reads the person's mail needs the phone too."""
    app, _ = await activated(people, ada)
    await people.registration.reset(await people.request_reset(), NEW)
    with pytest.raises(SecondFactorRequired):
        await login(people, None, NEW)
    await login(people, app.code(), NEW)


async def test_second_factor_is_removed_with_password_and_code(
    people: People, ada: SessionCaller, database: Database
) -> None:
    app, _ = await activated(people, ada)
    user = await people.sign_in.confirm_password(ada, PASSWORD)
    with pytest.raises(InvalidCode):
        await people.second_factor.deactivate(user, "wrong")
    await people.second_factor.deactivate(user, app.code())
    await login(people, None)
    assert (await people.subjects())[-1] == "A second factor was removed"
    assert await row_count(database, recovery_codes) == 0


async def test_user_without_a_second_factor_learns_it(people: People, ada: SessionCaller) -> None:
    """Nothing is there to be activated, removed or renewed; the right password is no attempt that counts."""
    with pytest.raises(SecondFactorNotBegun):
        await people.second_factor.activate(ada, "000000")
    for _ in range(FREE_ATTEMPTS + 1):
        for act in (people.second_factor.deactivate, people.second_factor.renew_codes):
            user = await people.sign_in.confirm_password(ada, PASSWORD)
            with pytest.raises(SecondFactorNotActive):
                await act(user, "000000")


async def test_active_second_factor_is_not_replaced(people: People, ada: SessionCaller) -> None:
    app, _ = await activated(people, ada)
    user = await people.sign_in.confirm_password(ada, PASSWORD)
    with pytest.raises(SecondFactorActive):
        await people.second_factor.begin(user)
    with pytest.raises(SecondFactorActive):
        await people.second_factor.activate(ada, app.code())
    await login(people, app.code())


async def test_activation_needs_a_code_of_the_newest_secret(people: People, ada: SessionCaller) -> None:
    first, second = await begun(people, ada), await begun(people, ada)
    with pytest.raises(InvalidCode):
        await people.second_factor.activate(ada, first.code())
    await people.second_factor.activate(ada, second.code())


async def test_recovery_codes_are_renewed(people: People, ada: SessionCaller, database: Database) -> None:
    """The earlier ones do not work any more; a code that renewed them was used."""
    app, earlier = await activated(people, ada)
    user = await people.sign_in.confirm_password(ada, PASSWORD)
    codes = await people.second_factor.renew_codes(user, app.code())
    assert len(set(codes)) == 10
    assert not set(codes) & set(earlier)
    for code in (earlier[0], app.code()):
        with pytest.raises(InvalidCode):
            await login(people, code)
    await login(people, codes[0])
    assert (await people.subjects())[-1] == "Your recovery codes were renewed"
    assert await row_count(database, recovery_codes) == 9


async def test_renewal_of_recovery_codes_needs_a_code(people: People, ada: SessionCaller) -> None:
    """The password alone must not give codes that stand for the phone."""
    _, codes = await activated(people, ada)
    user = await people.sign_in.confirm_password(ada, PASSWORD)
    with pytest.raises(InvalidCode):
        await people.second_factor.renew_codes(user, "wrong")
    with pytest.raises(SecondFactorRequired):
        await people.second_factor.renew_codes(user, "")
    renewed = await people.second_factor.renew_codes(user, codes[0])
    await login(people, renewed[0])
