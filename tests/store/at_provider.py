"""Logins at an OpenID Connect provider, on a store."""

import asyncio
from typing import Any, NamedTuple

from server.accounts.letters import Letters
from server.accounts.oidc import OidcLogin
from server.accounts.oidc_provider import Client, Provider
from server.accounts.sign_in import OpenSession
from server.accounts.wiring import redirect_uri
from server.sealing import Seal
from tests.harness.oidc_provider import CLIENT_ID, CLIENT_SECRET, OidcProvider
from tests.store.people import ADA, People

APP_URL = "https://app.zidimail.test"


class Returned(NamedTuple):
    """What a browser brings back from the provider, with the secret that it got before."""

    code: str
    state: str
    binding: str


class AtProvider:
    """The parts of a login at a provider, whose clock is that of the people."""

    def __init__(
        self, people: People, provider: OidcProvider, *, is_open: bool = True, total_s: float = 10
    ) -> None:
        self.people = people
        self.provider = provider
        provider.now_s = lambda: people.clock.now_ms() / 1000
        client = Client(provider.url, CLIENT_ID, CLIENT_SECRET, redirect_uri(APP_URL))
        self.client = Provider(client, people.clock, total_s=total_s)
        self.login = OidcLogin(
            *(people.database, people.writer, people.clock, Seal("s" * 32), self.client, people.passwords),
            *(people.second_factor, people.sign_in, people.system_mail, Letters(APP_URL)),
            name="Example Login",
            is_open=is_open,
            plan="free",
        )

    def add(self, subject: str = "1", email: str = ADA, **claims: Any) -> None:
        """Makes a person known to the provider, by default with a verified address."""
        self.provider.add(subject, **{"email": email, "email_verified": True, **claims})

    async def come_back(self, subject: str = "1") -> Returned:
        """A person begins and signs in at the provider."""
        begun = await self.login.begin()
        back = await asyncio.to_thread(self.provider.sign_in, begun.authorization_url, subject)
        return Returned(back["code"], back["state"], begun.binding)

    async def finish(
        self, returned: Returned, code: str | None = None, org_id: str | None = None
    ) -> OpenSession:
        """The session of a login; `code` is that of the second factor."""
        return await self.login.finish(*returned, org_id, code)

    async def sign_in(self, subject: str = "1", code: str | None = None) -> OpenSession:
        """A login from its beginning to its end."""
        return await self.finish(await self.come_back(subject), code)
