"""The certificates with which PayPal signs its events: fetched from PayPal, verified, kept until they expire.

A certificate is trusted if it comes over https from PayPal's host, is for PayPal's name of signatures, and
leads to a certificate authority that this machine trusts.
"""

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import urlsplit

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from server.billing.faults import EventNotValid, ProviderRefused, ProviderUnavailable
from server.clock import Clock

_API_HOST, _CERTIFICATES_HOST = "api-m.", "api."
_LIVE, _SANDBOX = "paypal.com", "sandbox.paypal.com"
_SIGNER = "messageverificationcerts"
_PATH = re.compile(r"/v1/notifications/certs/[A-Za-z0-9_-]{1,200}", re.ASCII)
# PayPal changes its certificate about once a year.
_MAX_KEPT = 16
# The time for which a URL that led to no certificate is not asked again: anybody can name one.
_MISSED_S = 60.0
_MAX_MISSED = 1_000
# Certificates that are fetched at the same time: each forged event may name another one.
_MAX_FETCHING = 8
_log = structlog.get_logger()


class Fetch(Protocol):
    """Fetches the PEM file at a URL. Raises `ProviderUnavailable`, `ProviderRefused`."""

    async def __call__(self, url: str, /) -> bytes: ...


class Certificates:
    """The public keys of PayPal's certificates by their URLs.

    `api_url` is that of PayPal's API, `certificates_url` the host of its certificates if that does not follow
    from the first.
    """

    def __init__(
        self,
        fetch: Fetch,
        clock: Clock,
        api_url: str,
        certificates_url: str,
        roots: Sequence[x509.Certificate],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        domain = _SANDBOX if (urlsplit(api_url).hostname or "").endswith(f".{_SANDBOX}") else _LIVE
        self._signer = f"{_SIGNER}.{domain}"
        given = certificates_url.removeprefix("https://")
        self._hosts = {given} if given else {f"{_CERTIFICATES_HOST}{domain}", f"{_API_HOST}{domain}"}
        self._roots = roots
        self._monotonic = monotonic
        self._kept: dict[str, x509.Certificate] = {}
        self._missed: dict[str, float] = {}
        self._fetching: dict[str, asyncio.Task[x509.Certificate]] = {}

    async def key(self, url: str) -> RSAPublicKey:
        """The public key of the certificate at a URL.

        Raises `EventNotValid`, and `ProviderUnavailable` if PayPal does not give it.
        """
        if not self._is_paypals(url):
            raise EventNotValid("its certificate is not PayPal's")
        certificate = self._kept.get(url) or await self._once(url)
        now = datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            self._kept.pop(url, None)
            raise EventNotValid("its certificate has expired")
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey):
            raise EventNotValid("its certificate has no RSA key")
        return key

    async def _once(self, url: str) -> x509.Certificate:
        """Fetches a certificate for all events that need it now. Few others are waited for at once."""
        fetching = self._fetching.get(url)
        if fetching is None:
            if len(self._fetching) >= _MAX_FETCHING:
                raise ProviderUnavailable("too many of its certificates are asked for at once")
            fetching = self._fetching[url] = asyncio.create_task(
                self._fetched(url), name="billing.certificate"
            )
            fetching.add_done_callback(lambda done: self._fetching.pop(url))
        # Shielded: an event that is given up must not end the fetch of the others.
        return await asyncio.shield(fetching)

    def _is_paypals(self, url: str) -> bool:
        scheme, separator, rest = url.partition("://")
        host, slash, path = rest.partition("/")
        is_https = f"{scheme}{separator}" == "https://"
        return is_https and host in self._hosts and _PATH.fullmatch(slash + path) is not None

    async def _fetched(self, url: str) -> x509.Certificate:
        if self._missed.get(url, float("-inf")) > self._monotonic():
            raise EventNotValid("its certificate cannot be verified")
        try:
            file = await self._fetch(url)
            certificate = await asyncio.to_thread(self._verified, file)
        except (ProviderRefused, VerificationError, ValueError) as error:
            problem = error.metadata["problem"] if isinstance(error, ProviderRefused) else str(error)
            _log.warning("a certificate of PayPal cannot be verified", url=url, problem=problem)
            self._miss(url)
            raise EventNotValid("its certificate cannot be verified") from None
        if len(self._kept) >= _MAX_KEPT:
            self._kept.pop(next(iter(self._kept)))
        self._kept[url] = certificate
        return certificate

    def _verified(self, file: bytes) -> x509.Certificate:
        """The first certificate of a file, by the others. Raises VerificationError, ValueError."""
        leaf, *others = x509.load_pem_x509_certificates(file)
        now = datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC)
        policy = PolicyBuilder().store(Store(list(self._roots))).time(now)
        policy.build_server_verifier(x509.DNSName(self._signer)).verify(leaf, others)
        return leaf

    def _miss(self, url: str) -> None:
        if len(self._missed) >= _MAX_MISSED:
            self._missed.pop(next(iter(self._missed)))
        self._missed[url] = self._monotonic() + _MISSED_S
