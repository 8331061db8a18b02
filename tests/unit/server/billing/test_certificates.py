"""The certificates of PayPal: only PayPal's own are believed (C-79)."""

import asyncio
import time
from collections import Counter

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from server.billing.certificates import Certificates
from server.billing.faults import EventNotValid, ProviderRefused, ProviderUnavailable
from tests.harness.clock import ManualClock
from tests.harness.paypal_certificates import Authority, Signer, authority, self_signed

LIVE, SANDBOX = "https://api-m.paypal.com", "https://api-m.sandbox.paypal.com"
URL = "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-5a11"
SANDBOX_URL = URL.replace("paypal", "sandbox.paypal")
DAY_S = 86_400


class Site:
    """Files by their URLs, and the number of times that each was fetched."""

    def __init__(self, **files: bytes) -> None:
        self.files = files
        self.fetched: Counter[str] = Counter()

    async def fetch(self, url: str) -> bytes:
        """One of the files."""
        self.fetched[url] += 1
        if url not in self.files:
            raise ProviderRefused(404, "RESOURCE_NOT_FOUND")
        return self.files[url]


def certificates(
    site: Site, api_url: str = LIVE, own_url: str = "", clock: ManualClock | None = None
) -> Certificates:
    """Certificates by the time of now."""
    now = clock or ManualClock(time.time_ns() // 1_000_000)
    return Certificates(site.fetch, now, api_url, own_url, [authority().certificate])


async def test_certificate_of_paypal_is_believed_and_kept() -> None:
    signer = authority().signer()
    site = Site(**{URL: signer.file})
    kept = certificates(site)
    for _ in range(3):
        key = await kept.key(URL)
        key.verify(signer.key.sign(b"x", PKCS1v15(), SHA256()), b"x", PKCS1v15(), SHA256())
    assert site.fetched == {URL: 1}


@pytest.mark.parametrize(
    "url",
    [
        "",
        URL.replace("https", "http"),
        URL.replace("api.paypal.com", "evil.example"),
        URL.replace("api.paypal.com", "api.paypal.com.evil.example"),
        URL.replace("api.paypal.com", "evil.example/api.paypal.com"),
        URL.replace("api.paypal.com", "api.paypal.com@evil.example"),
        URL.replace("api.paypal.com", "evil.example\\@api.paypal.com"),
        URL.replace("api.paypal.com", "api.paypal.com:8443"),
        URL.replace("api.paypal.com", "www.paypal.com"),
        URL.replace("api.paypal.com", "127.0.0.1"),
        URL.replace("/v1/notifications/certs", "/v1/other"),
        URL.replace("certs/", "certs/../../other/"),
        f"{URL}?x=1",
        f"{URL}#x",
        f"{URL}\n",
        f" {URL}",
        SANDBOX_URL,
    ],
)
async def test_certificate_from_elsewhere_is_not_even_fetched(url: str) -> None:
    site = Site(**{url: authority().signer().file})
    with pytest.raises(EventNotValid, match="not PayPal's"):
        await certificates(site).key(url)
    assert not site.fetched


@pytest.mark.parametrize(
    "signer",
    [
        pytest.param(self_signed(), id="self-signed"),
        pytest.param(authority().signer(begins=-5, ends=-1), id="expired"),
        pytest.param(authority().signer(begins=1), id="not valid yet"),
        pytest.param(authority().signer("www.paypal.com"), id="another name of PayPal"),
        pytest.param(authority().signer("messageverificationcerts.sandbox.paypal.com"), id="sandbox"),
        pytest.param(authority().signer("evil.example"), id="the name of others"),
        pytest.param(Authority().signer(), id="an authority that is not trusted"),
    ],
)
async def test_certificate_that_cannot_be_verified_is_refused(signer: Signer) -> None:
    with pytest.raises(EventNotValid, match="cannot be verified"):
        await certificates(Site(**{URL: signer.file})).key(URL)


@pytest.mark.parametrize(
    "file", [b"", b"x", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
async def test_file_that_is_no_certificate_is_refused(file: bytes) -> None:
    with pytest.raises(EventNotValid, match="cannot be verified"):
        await certificates(Site(**{URL: file})).key(URL)


async def test_url_without_a_certificate_is_not_asked_again_at_once() -> None:
    site = Site()
    kept = certificates(site)
    for _ in range(3):
        with pytest.raises(EventNotValid):
            await kept.key(URL)
    assert site.fetched == {URL: 1}


async def test_forged_events_do_not_hold_up_those_with_a_kept_certificate() -> None:
    started, opened = asyncio.Event(), asyncio.Event()

    class Slow(Site):
        async def fetch(self, url: str) -> bytes:
            if url != URL:
                started.set()
                await opened.wait()
            return await super().fetch(url)

    kept = certificates(Slow(**{URL: authority().signer().file}))
    await kept.key(URL)
    forged = [asyncio.ensure_future(kept.key(f"{URL}{number}")) for number in range(20)]
    await started.wait()
    assert await kept.key(URL)
    opened.set()
    results = await asyncio.gather(*forged, return_exceptions=True)
    assert [type(result) for result in results] == [EventNotValid] * 8 + [ProviderUnavailable] * 12


async def test_outage_is_no_verdict() -> None:
    """PayPal repeats the event, and the certificate is fetched then."""
    signer = authority().signer()

    class Away(Site):
        async def fetch(self, url: str) -> bytes:
            if not self.fetched[url]:
                self.fetched[url] += 1
                raise ProviderUnavailable("it cannot be reached")
            return await super().fetch(url)

    kept = certificates(Away(**{URL: signer.file}))
    with pytest.raises(ProviderUnavailable):
        await kept.key(URL)
    assert await kept.key(URL)


async def test_kept_certificate_expires() -> None:
    clock = ManualClock(time.time_ns() // 1_000_000)
    kept = certificates(Site(**{URL: authority().signer(ends=10).file}), clock=clock)
    await kept.key(URL)
    clock.advance(11 * DAY_S)
    with pytest.raises(EventNotValid, match="expired"):
        await kept.key(URL)


async def test_sandbox_has_certificates_of_its_own() -> None:
    live, sandbox = (
        authority().signer(f"messageverificationcerts.{domain}")
        for domain in ("paypal.com", "sandbox.paypal.com")
    )
    assert await certificates(Site(**{SANDBOX_URL: sandbox.file}), SANDBOX).key(SANDBOX_URL)
    with pytest.raises(EventNotValid):
        await certificates(Site(**{SANDBOX_URL: live.file}), SANDBOX).key(SANDBOX_URL)
    with pytest.raises(EventNotValid):
        await certificates(Site(**{URL: live.file}), SANDBOX).key(URL)


async def test_operator_names_another_host() -> None:
    own = "https://certs.example.com:8443"
    url = f"{own}/v1/notifications/certs/CERT-1"
    kept = certificates(Site(**{url: authority().signer().file, URL: authority().signer().file}), own_url=own)
    assert await kept.key(url)
    with pytest.raises(EventNotValid, match="not PayPal's"):
        await kept.key(URL)
