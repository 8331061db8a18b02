"""Signing in at an OpenID Connect provider: the authorization code flow with PKCE (RFC 6749, RFC 7636)."""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from typing import NamedTuple
from urllib.parse import urlencode

import orjson

from server.accounts import attempts, oidc_store, store
from server.accounts.faults import RegistrationClosed
from server.accounts.letters import Letters
from server.accounts.mailing import Mailer
from server.accounts.oidc_faults import IdentityDeactivated, OidcAddressNotVerified, OidcLoginNotValid
from server.accounts.oidc_provider import Identity, Provider
from server.accounts.one_time_tokens import given_token, new_token
from server.accounts.passwords import Passwords, new_password
from server.accounts.registration import add_account
from server.accounts.rules import MAX_NAME, Plan, login_address
from server.accounts.second_factor import SecondFactor
from server.accounts.sign_in import OpenSession, SignIn
from server.accounts.store import UserRow
from server.clock import Clock
from server.db.database import Database
from server.db.tx import Tx
from server.db.writer import Writer
from server.faults import ValidationFailed
from server.ids import new_id
from server.sealing import Seal

FINISH_WITHIN_MS = 600_000
# The bytes of the secrets of a login: 43 characters, as PKCE wants them at least (RFC 7636 section 4.1).
_SECRET_BYTES = 32
_MAX_CODE = 4096
_CODE_FIELD = "second_factor_code"


class Begun(NamedTuple):
    """A login that waits for the provider; `expires_at` is milliseconds since 1970 UTC."""

    authorization_url: str
    state: str
    binding: str
    expires_at: int


class OidcLogin:
    """Begins and finishes logins at the provider.

    People are known by the provider's ids of them. The first time the address decides, and only one that the
    provider has verified: else anybody could name another's address there.
    """

    def __init__(
        self,
        database: Database,
        writer: Writer,
        clock: Clock,
        seal: Seal,
        provider: Provider,
        passwords: Passwords,
        second_factor: SecondFactor,
        sign_in: SignIn,
        mailer: Mailer,
        letters: Letters,
        *,
        name: str,
        is_open: bool,
        plan: Plan,
    ) -> None:
        """`name` is the provider's for people. Those without an account register if it `is_open`."""
        self._database = database
        self._writer = writer
        self._clock = clock
        self._seal = seal
        self._provider = provider
        self._passwords = passwords
        self._second_factor = second_factor
        self._sign_in = sign_in
        self._mailer = mailer
        self._letters = letters
        self.name = name
        self._is_open = is_open
        self._plan = plan

    async def begin(self) -> Begun:
        """Stores a new login. Raises `OidcProviderUnavailable`."""
        metadata, client = await self._provider.metadata(), self._provider.client
        state = new_token(login_id := new_id())
        binding, nonce, verifier = (secrets.token_urlsafe(_SECRET_BYTES) for _ in range(3))
        kept = self._seal.seal(orjson.dumps({"nonce": nonce, "verifier": verifier}), _context(login_id))
        expires_at = self._clock.now_ms() + FINISH_WITHIN_MS
        row = oidc_store.LoginRow(login_id, state.hash, _hash(binding), kept, None, None, expires_at)
        await self._writer.run(oidc_store.add, row)
        query = {
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": client.redirect_uri,
            "scope": "openid email profile",
            "state": state.text,
            "nonce": nonce,
            "code_challenge": urlsafe_b64encode(_hash(verifier)).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        separator = "&" if "?" in metadata.authorization_endpoint else "?"
        url = f"{metadata.authorization_endpoint}{separator}{urlencode(query)}"
        return Begun(url, state.text, binding, expires_at)

    async def finish(
        self, code: str, state: str, binding: str, org_id: str | None, second_factor_code: str | None = None
    ) -> OpenSession:
        """A new session of the person whom the provider names, in one of the person's organisations.

        Raises `OidcLoginNotValid`, `OidcLoginRefused`, `OidcProviderUnavailable`, `OidcAddressNotVerified`,
        `IdentityDeactivated`, `RegistrationClosed`, `SecondFactorRequired`, `InvalidCode`, `TooManyAttempts`,
        `NotAMember`, `Unavailable`. After those of the second factor the same code and state are good for
        another call.
        """
        given = given_token(state)
        if given is None or not 0 < len(code) <= _MAX_CODE:
            raise OidcLoginNotValid
        hashes = _hash(binding), _hash(code)
        login = await self._writer.run(oidc_store.claim, given, *hashes, self._clock.now_ms())
        if login is None:
            raise OidcLoginNotValid
        context = _context(login.id)
        if login.identity is None:
            kept = orjson.loads(self._seal.open(login.secrets, context))
            identity = await self._provider.identity(code, kept["verifier"], kept["nonce"])
            sealed = self._seal.seal(orjson.dumps(list(identity)), context)
            await self._writer.run(oidc_store.keep_identity, login.id, sealed)
        else:
            identity = Identity(*orjson.loads(self._seal.open(login.identity, context)))
        return await self._open(login.id, identity, org_id, second_factor_code)

    async def _open(
        self, login_id: str, identity: Identity, org_id: str | None, code: str | None
    ) -> OpenSession:
        user = await self._database.read(self._user, identity)
        password_hash = None
        if user is None:
            if not self._is_open:
                raise RegistrationClosed
            # Nobody knows it: the person may set another by a link.
            password_hash = await self._passwords.hash(new_password())
        elif user.totp_since is not None and code:
            # Each code is a guess, counted with those beside passwords.
            await self._writer.run(attempts.begin, user.email, self._clock.now_ms())
        now = self._clock.now_ms()

        def write(tx: Tx) -> OpenSession:
            if not oidc_store.end(tx, login_id):
                raise OidcLoginNotValid
            user = self._user(tx, identity)
            if user is None:
                user = self._register(tx, identity, password_hash, now)
                self._link(tx, identity, user, now)
            else:
                self._second_factor.check(tx, user, code, now, field=_CODE_FIELD)
                # The check may have waited for the deactivation of the identity.
                self._user(tx, identity)
                if user.totp_since is not None:
                    attempts.forget(tx, user.email)
                if self._link(tx, identity, user, now):
                    letter = self._letters.provider_linked(user.email, self.name)
                    self._mailer.write(tx, [letter], now)
            return self._sign_in.open(tx, user, org_id, now)

        session = await self._writer.run(write)
        self._mailer.written()
        return session

    def _user(self, tx: Tx, identity: Identity) -> UserRow | None:
        """The user whom the provider names; None if that person has no account yet.

        Raises `OidcAddressNotVerified` for an unknown person without a verified address,
        `IdentityDeactivated`.
        """
        known = oidc_store.identity(tx, self._provider.client.issuer, identity.subject)
        if known is None:
            return store.user_of(tx, _verified_address(identity))
        if known.deactivated_at is not None:
            raise IdentityDeactivated
        return store.user(tx, known.user_id)

    def _register(self, tx: Tx, identity: Identity, password_hash: str | None, now_ms: int) -> UserRow:
        """As a registration whose address is confirmed: the provider has done that."""
        if password_hash is None:
            raise OidcLoginNotValid
        name = "".join(one for one in identity.name if one.isprintable()).strip()[:MAX_NAME]
        address = _verified_address(identity)
        made = add_account(tx, address, name, "", password_hash, plan=self._plan, now_ms=now_ms)
        if made is None:
            raise OidcLoginNotValid
        return made[0]

    def _link(self, tx: Tx, identity: Identity, user: UserRow, now_ms: int) -> bool:
        return oidc_store.link(tx, self._provider.client.issuer, identity.subject, user.id, now_ms)


def _verified_address(identity: Identity) -> str:
    """The address by which a user is found. Raises `OidcAddressNotVerified`."""
    if not identity.is_verified:
        raise OidcAddressNotVerified
    try:
        return login_address(identity.email)
    except ValidationFailed:
        raise OidcAddressNotVerified from None


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _context(login_id: str) -> str:
    return f"oidc:{login_id}"
