"""A client of the installation's OpenID Connect provider: discovery, keys, and the exchange of codes."""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import quote_plus

import aiohttp
import orjson
import structlog

from server.accounts.oidc_faults import OidcLoginRefused, OidcProviderUnavailable
from server.accounts.oidc_tokens import Expected, NotBelieved, UnknownKey, claims_of
from server.clock import Clock
from server.environment import is_confidential

CONNECT_S, TOTAL_S = 3.0, 10.0
_CACHED_MS = 3_600_000
# The least time between two look-ups of keys: tokens with unknown keys must not make us call the provider at
# will.
_KEYS_AGAIN_MS = 60_000
_BASIC, _POST = "client_secret_basic", "client_secret_post"
_MAX_ANSWER = 1 << 20
_log = structlog.get_logger()


class Client(NamedTuple):
    """This installation at the provider, as its operator registered it; the issuer is the provider's name."""

    issuer: str
    client_id: str
    client_secret: str
    redirect_uri: str


class Metadata(NamedTuple):
    """What the provider says about itself (OpenID Connect Discovery 1.0, section 3)."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    has_basic: bool


class Identity(NamedTuple):
    """Whom the provider names: its id of the person; the address counts if the provider has verified it."""

    subject: str
    email: str
    is_verified: bool
    name: str


class Provider:
    """Calls the provider; a service that closes its connections.

    All calls raise `OidcProviderUnavailable`. No text of an answer is passed on but the provider's own names
    of reasons.
    """

    def __init__(
        self, client: Client, clock: Clock, *, tls: ssl.SSLContext | None = None, total_s: float = TOTAL_S
    ) -> None:
        self.client = client
        self._clock = clock
        self._tls = tls or ssl.create_default_context()
        self._total_s = total_s
        self._session: aiohttp.ClientSession | None = None
        self._metadata: tuple[int, Metadata] | None = None
        self._keys: tuple[int, Sequence[Mapping[str, Any]]] | None = None
        self._turn = asyncio.Lock()

    async def start(self) -> None:
        """Opens nothing: a provider that is down must not keep the installation from starting."""

    async def stop(self) -> None:
        """Closes the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def metadata(self) -> Metadata:
        """What the provider says about itself; looked up once an hour."""
        async with self._turn:
            if self._metadata is None or not self._is_fresh(self._metadata[0], _CACHED_MS):
                url = self.client.issuer.rstrip("/") + "/.well-known/openid-configuration"
                asked_at = self._clock.now_ms()
                self._metadata = (asked_at, self._read_metadata(await self._document(url)))
            return self._metadata[1]

    async def identity(self, code: str, verifier: str, nonce: str) -> Identity:
        """Whom the provider names for a code. Raises `OidcLoginRefused` too."""
        metadata = await self.metadata()
        given = await self._exchange(metadata, code, verifier)
        token = given.get("id_token")
        if not isinstance(token, str):
            raise OidcProviderUnavailable("its answer has no ID token")
        expected = Expected(self.client.issuer, self.client.client_id, nonce)
        try:
            claims = await self._claims(metadata, token, expected)
        except NotBelieved as error:
            _log.warning("an ID token was refused", problem=str(error))
            raise OidcLoginRefused(str(error)) from None
        if "email" not in claims and metadata.userinfo_endpoint:
            claims |= await self._userinfo(metadata, given, claims["sub"])
        email, name = claims.get("email"), claims.get("name")
        return Identity(
            claims["sub"],
            email if isinstance(email, str) else "",
            claims.get("email_verified") is True,
            name if isinstance(name, str) else "",
        )

    async def _claims(self, metadata: Metadata, token: str, expected: Expected) -> dict[str, Any]:
        """The claims of an ID token; the keys are looked up anew if it has an unknown one."""
        now_s = self._clock.now_ms() / 1000
        try:
            return claims_of(token, await self._known_keys(metadata, _CACHED_MS), expected, now_s)
        except UnknownKey:
            return claims_of(token, await self._known_keys(metadata, _KEYS_AGAIN_MS), expected, now_s)

    async def _known_keys(self, metadata: Metadata, for_ms: int) -> Sequence[Mapping[str, Any]]:
        """The provider's keys, which are looked up if the last look-up is older than that."""
        async with self._turn:
            if self._keys is None or not self._is_fresh(self._keys[0], for_ms):
                asked_at = self._clock.now_ms()
                keys = (await self._document(metadata.jwks_uri)).get("keys")
                if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
                    raise OidcProviderUnavailable("its keys cannot be understood")
                self._keys = (asked_at, keys)
            return self._keys[1]

    async def _exchange(self, metadata: Metadata, code: str, verifier: str) -> dict[str, Any]:
        """The tokens for a code (RFC 6749 section 4.1.3, RFC 7636 section 4.5)."""
        client = self.client
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": client.redirect_uri,
            "code_verifier": verifier,
        }
        headers = {}
        if metadata.has_basic:
            # Each part in the encoding of forms (RFC 6749 section 2.3.1).
            pair = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
            headers["Authorization"] = "Basic " + b64encode(pair.encode()).decode()
        else:
            form |= {"client_id": client.client_id, "client_secret": client.client_secret}
        status, answer = await self._send("POST", metadata.token_endpoint, headers, form)
        if 400 <= status < 500 and status != HTTPStatus.TOO_MANY_REQUESTS:
            reason = _reason(answer)
            _log.warning("the OpenID Connect provider refused a code", status=status, reason=reason)
            raise OidcLoginRefused(f"the provider answers {reason or status}")
        return _parsed(status, answer)

    async def _userinfo(self, metadata: Metadata, given: Mapping[str, Any], subject: str) -> dict[str, Any]:
        """What the provider says beside the ID token about the same person (OpenID Connect Core 5.3)."""
        token = given.get("access_token")
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise OidcProviderUnavailable("its answer has no access token")
        headers = {"Authorization": f"Bearer {token}"}
        info = await self._document(metadata.userinfo_endpoint, headers)
        if info.get("sub") != subject:
            raise OidcLoginRefused("the provider names two different persons")
        return {name: info[name] for name in ("email", "email_verified", "name") if name in info}

    def _read_metadata(self, document: Mapping[str, Any]) -> Metadata:
        if document.get("issuer") != self.client.issuer:
            _log.warning("the provider has another name", issuer=document.get("issuer"))
            raise OidcProviderUnavailable("its name is not the one that the operator has set")
        endpoints = []
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"):
            url = document.get(name)
            if url is None and name == "userinfo_endpoint":
                url = ""
            elif not isinstance(url, str) or not is_confidential(url):
                raise OidcProviderUnavailable(f"its `{name}` is no URL with https")
            endpoints.append(url)
        ways = document.get("token_endpoint_auth_methods_supported")
        has_basic = not isinstance(ways, list) or _BASIC in ways or _POST not in ways
        authorization, token, keys, userinfo = endpoints
        return Metadata(authorization, token, keys, userinfo, has_basic)

    def _is_fresh(self, asked_at: int, for_ms: int) -> bool:
        # A clock that was set back must not lengthen it.
        return 0 <= self._clock.now_ms() - asked_at < for_ms

    async def _document(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        return _parsed(*await self._send("GET", url, headers or {}))

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """The status and the body of an answer; redirects are not followed."""
        try:
            async with self._opened().request(
                method, url, data=form, headers=headers, allow_redirects=False
            ) as response:
                answer = await response.content.read(_MAX_ANSWER)
                while not response.content.at_eof() and len(answer) < _MAX_ANSWER:
                    answer += await response.content.read(_MAX_ANSWER - len(answer))
                return response.status, answer
        except TimeoutError:
            raise OidcProviderUnavailable(f"it did not answer within {self._total_s:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            _log.warning("the OpenID Connect provider cannot be reached", error=type(error).__name__)
            raise OidcProviderUnavailable("it cannot be reached") from None

    def _opened(self) -> aiohttp.ClientSession:
        # Created at the first call, as it needs the running event loop.
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # Calls are rare, and one on a connection that the provider is closing would fail.
                connector=aiohttp.TCPConnector(ssl=self._tls, force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self._total_s, connect=min(CONNECT_S, self._total_s)),
                trust_env=False,
                headers={"User-Agent": "ZidiMail-SignIn/1", "Accept": "application/json"},
            )
        return self._session


def _parsed(status: int, answer: bytes) -> dict[str, Any]:
    if status != HTTPStatus.OK:
        _log.warning("the OpenID Connect provider does not answer as it should", status=status)
        raise OidcProviderUnavailable(f"it answers {status}")
    try:
        parsed = orjson.loads(answer)
    except orjson.JSONDecodeError:
        parsed = None
    if not isinstance(parsed, dict):
        raise OidcProviderUnavailable("its answer cannot be understood")
    return parsed


def _reason(answer: bytes) -> str:
    """The provider's name of a reason, such as `invalid_grant` (RFC 6749 section 5.2); empty without one."""
    try:
        error = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return ""
    name = error.get("error") if isinstance(error, dict) else None
    is_word = isinstance(name, str) and name.isascii() and name.replace("_", "").isalnum()
    return str(name)[:64] if is_word else ""
