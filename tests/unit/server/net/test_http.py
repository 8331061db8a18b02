"""HTTP calls to URLs of customers (contract rows C-33, C-35)."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from server.net import http
from server.net.connecting import guarded_connector
from server.net.dns import Resolver
from server.net.guard import AddressRefused
from server.net.http import File, FileTooLarge, GuardedClient, NoResponse
from server.settings import Settings
from tests.harness.certificates import throw_away
from tests.harness.clock import ManualClock
from tests.harness.dns_server import DnsFault, DnsServer
from tests.harness.webhook_sink import WebhookSink, page
from tests.unit.server.net.test_guard import HOSTILE, HOSTILE_URLS

HOST = "hooks.test"


@pytest.fixture
async def dns() -> AsyncIterator[DnsServer]:
    async with DnsServer() as server:
        yield server


@pytest.fixture
async def sink() -> AsyncIterator[WebhookSink]:
    async with WebhookSink() as sink:
        yield sink


@pytest.fixture
async def tls_sink() -> AsyncIterator[WebhookSink]:
    async with WebhookSink(tls=True) as sink:
        yield sink


class Caller:
    """A client whose names come from the scripted DNS server, and whose clock can be moved."""

    def __init__(
        self, dns: DnsServer, *, private: bool, tls: ssl.SSLContext | None = None, total_s: float = 10.0
    ) -> None:
        self.clock = ManualClock()
        settings = Settings(Path(), "sqlite://", "secret", dns=dns.address)
        self._resolver = Resolver(settings, self.clock, hosts_file=Path("/dev/null"))
        self._client = GuardedClient(
            self._resolver,
            allow_private_networks=private,
            user_agent="test/1",
            tls=tls,
            connect_s=10,
            total_s=total_s,
        )

    async def __aenter__(self) -> "Caller":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()
        await self._resolver.close()

    async def post(self, url: str, body: bytes = b"{}") -> http.Response:
        return await self._client.post(url, body, {"Content-Type": "application/json"})

    async def fetch(self, url: str, most: int = 100) -> File:
        return await self._client.fetch(url, most)

    async def failure(self, url: str) -> str:
        """The kind of failure that a call ends with."""
        with pytest.raises(NoResponse) as caught:
            await self.post(url)
        return caught.value.kind

    async def unfetched(self, url: str, most: int = 100) -> str:
        """The kind of failure that fetching a file ends with."""
        with pytest.raises(NoResponse) as caught:
            await self.fetch(url, most)
        return caught.value.kind


async def test_exactly_these_bytes_are_posted(dns: DnsServer, sink: WebhookSink) -> None:
    body = '{"a":"ü"} \r\n'.encode()
    async with Caller(dns, private=True) as caller:
        response = await caller.post(f"{sink.url}/200/a%2Fb?c=%20&d", body)
    (call,) = sink.calls
    assert (response.status, response.body) == (200, b"as the path asks")
    assert (call.method, call.path, call.body) == ("POST", "/200/a%2Fb?c=%20&d", body)
    assert call.headers["user-agent"] == "test/1"
    assert call.headers["content-type"] == "application/json"
    assert call.headers["content-length"] == str(len(body))
    assert "cookie" not in call.headers


async def test_any_status_is_an_answer(dns: DnsServer, sink: WebhookSink) -> None:
    async with Caller(dns, private=True) as caller:
        response = await caller.post(f"{sink.url}/503/retry-after/17")
    assert (response.status, response.retry_after) == (503, "17")


async def test_a_redirect_is_not_followed(dns: DnsServer, sink: WebhookSink) -> None:
    async with WebhookSink() as elsewhere, Caller(dns, private=True) as caller:
        response = await caller.post(f"{sink.url}/redirect?to={elsewhere.url}/200")
        assert response.status == 302
        assert elsewhere.connections == 0


async def test_calls_to_one_host_share_a_connection(dns: DnsServer, sink: WebhookSink) -> None:
    async with Caller(dns, private=True) as caller:
        for _ in range(3):
            await caller.post(f"{sink.url}/200")
    assert (sink.count, sink.connections) == (3, 1)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_proxies_of_the_environment_are_not_asked(
    dns: DnsServer, sink: WebhookSink, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    async with WebhookSink() as proxy, Caller(dns, private=True) as caller:
        monkeypatch.setenv(variable, proxy.url)
        assert (await caller.post(f"{sink.url}/200")).status == 200
        assert proxy.connections == 0


# Refused addresses.


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:8443/",
        "https://[::1]:8443/",
        "https://169.254.169.254/",
        "http://hooks.example.com/",
        "https://user@hooks.example.com/",
        "not a url",
    ],
)
async def test_a_url_that_may_not_be_called_is_not_looked_up(dns: DnsServer, url: str) -> None:
    async with Caller(dns, private=False) as caller:
        assert await caller.failure(url) == "refused"
    assert not dns.queries


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
async def test_connector_checks_the_address_of_a_url_that_nobody_checked(dns: DnsServer, host: str) -> None:
    """A literal address is never looked up, so that a check of look-ups alone would miss it."""
    resolver = Resolver(Settings(Path(), "sqlite://", "secret", dns=dns.address))
    connector = guarded_connector(resolver, allow_private_networks=False, tls=ssl.create_default_context())
    async with WebhookSink() as sink, aiohttp.ClientSession(connector=connector) as session:
        with pytest.raises(aiohttp.ClientConnectorError) as refused:
            await session.get(f"http://{host}:{sink.port}/200")
        assert isinstance(refused.value.os_error, AddressRefused)
        assert sink.connections == 0
    await resolver.close()


@pytest.mark.parametrize(
    "zone",
    [
        {"A": ["127.0.0.1"]},
        {"A": ["1.1.1.1", "127.0.0.1"]},
        {"A": ["1.1.1.1"], "AAAA": ["::1"]},
        {"AAAA": ["64:ff9b::7f00:1"]},
        {"A": ["169.254.169.254"]},
    ],
)
async def test_a_name_with_any_private_address_is_refused(dns: DnsServer, zone: dict[str, list[str]]) -> None:
    dns.zones = {("hooks.example.com", kind): list(addresses) for kind, addresses in zone.items()}
    async with Caller(dns, private=False) as caller:
        assert await caller.failure("https://hooks.example.com/") == "refused"


@pytest.mark.parametrize(
    "url", ["https://hooks.example.com/", "https://10.20.30.40/", "https://corp.internal/"]
)
async def test_caller_hears_of_a_private_target_only_that_it_is_not_public(
    dns: DnsServer, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names of the operator's network must not be translated for customers: the address is for the log."""
    dns.zones = {("hooks.example.com", "A"): ["10.20.30.40"]}
    async with Caller(dns, private=False) as caller:
        with pytest.raises(NoResponse, match="not a public host") as refused:
            await caller.post(url)
    assert str(refused.value) in {
        "the host is not a public host",
        "the URL has a host that is not a public host",
    }
    assert ("10.20.30.40" in capsys.readouterr().out) is (url == "https://hooks.example.com/")


async def test_failed_connection_names_no_address(dns: DnsServer, sink: WebhookSink) -> None:
    await sink.stop()
    async with Caller(dns, private=True) as caller:
        with pytest.raises(NoResponse, match="Connection refused") as refused:
            await caller.post(f"http://localhost:{sink.port}/200")
    assert "127.0.0.1" not in str(refused.value)
    assert "::1" not in str(refused.value)


async def test_an_alias_to_a_private_address_is_refused(dns: DnsServer) -> None:
    dns.zones = {
        ("hooks.example.com", "CNAME"): ["inside.example.net."],
        ("inside.example.net", "A"): ["10.0.0.1"],
    }
    async with Caller(dns, private=False) as caller:
        assert await caller.failure("https://hooks.example.com/") == "refused"


async def test_dns_rebinding_between_calls_is_refused(dns: DnsServer, sink: WebhookSink) -> None:
    """DNS rebinding between calls: the link-local address stays shut even with private networks allowed."""
    dns.zones = {(HOST, "A"): ["127.0.0.1"]}
    async with Caller(dns, private=True) as caller:
        assert (await caller.post(f"http://{HOST}:{sink.port}/200")).status == 200
    dns.zones = {(HOST, "A"): ["169.254.169.254"]}
    async with Caller(dns, private=True) as caller:
        assert await caller.failure(f"http://{HOST}:{sink.port}/200") == "refused"
    assert sink.count == 1


async def test_a_connection_goes_to_the_address_that_was_checked(dns: DnsServer, sink: WebhookSink) -> None:
    """DNS rebinding between check and connection: the name is looked up once, so there is no between."""
    dns.zones = {(HOST, "A"): ["127.0.0.1"]}
    async with Caller(dns, private=True) as caller:
        await caller.post(f"http://{HOST}:{sink.port}/200")
    assert dns.queries == {(HOST, "A"): 1, (HOST, "AAAA"): 1}
    assert sink.calls[0].headers["host"] == f"{HOST}:{sink.port}"


# Encryption.


async def test_tls_verifies_the_name_that_was_called(dns: DnsServer, tls_sink: WebhookSink) -> None:
    trusting = throw_away().client_context()
    dns.zones = {(HOST, "A"): ["127.0.0.1"]}
    async with Caller(dns, private=True, tls=trusting) as caller:
        assert (await caller.post(f"https://localhost:{tls_sink.port}/200")).status == 200
        assert (await caller.post(f"https://127.0.0.1:{tls_sink.port}/200")).status == 200
        assert await caller.failure(f"https://{HOST}:{tls_sink.port}/200") == "tls"


async def test_an_unknown_issuer_is_not_trusted(dns: DnsServer, tls_sink: WebhookSink) -> None:
    async with Caller(dns, private=True) as caller:
        assert await caller.failure(f"{tls_sink.url}/200") == "tls"
    assert tls_sink.count == 0


async def test_a_host_that_speaks_no_tls_gets_nothing(dns: DnsServer, sink: WebhookSink) -> None:
    async with Caller(dns, private=True, total_s=0.5) as caller:
        assert await caller.failure(f"https://127.0.0.1:{sink.port}/200") in {"tls", "timeout"}
    assert sink.count == 0


# Receivers that misbehave.


@pytest.mark.parametrize(
    ("order", "kind"), [("hang", "timeout"), ("slow-headers", "timeout"), ("drop", "broken")]
)
async def test_slow_receiver_meets_the_timeout(
    dns: DnsServer, sink: WebhookSink, order: str, kind: str
) -> None:
    async with Caller(dns, private=True, total_s=0.5) as caller:
        assert await caller.failure(f"{sink.url}/{order}") == kind


async def test_an_endless_answer_is_cut_short(dns: DnsServer, sink: WebhookSink) -> None:
    async with Caller(dns, private=True) as caller:
        response = await caller.post(f"{sink.url}/endless")
    assert (response.status, response.body) == (200, b"x" * 4096)


async def test_closed_port_is_a_connect_failure(dns: DnsServer, sink: WebhookSink) -> None:
    await sink.stop()
    async with Caller(dns, private=True) as caller:
        assert await caller.failure(f"{sink.url}/200") == "connect"


@pytest.mark.parametrize("answer", [DnsFault.NXDOMAIN, DnsFault.SERVFAIL, []])
async def test_name_without_addresses_is_reported(dns: DnsServer, answer: DnsFault | list[str]) -> None:
    dns.zones = {(HOST, "A"): answer, (HOST, "AAAA"): answer}
    async with Caller(dns, private=True) as caller:
        assert await caller.failure(f"http://{HOST}/") == "dns"


# Files (Z-22, C-35).


async def test_a_file_is_fetched_with_its_type(dns: DnsServer, sink: WebhookSink) -> None:
    sink.pages["/a.csv?x=%20"] = page(b"a,b", Content_Type="text/csv; charset=utf-8")
    async with Caller(dns, private=True) as caller:
        assert await caller.fetch(f"{sink.url}/a.csv?x=%20") == File(b"a,b", "text/csv; charset=utf-8")
    assert sink.calls[0].method == "GET"
    assert sink.calls[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("declared", [None, -1])
async def test_file_is_limited_to_the_given_bytes(
    dns: DnsServer, sink: WebhookSink, declared: int | None
) -> None:
    """Z-21: with and without a declared length."""
    for size in (100, 101):
        whole = page(b"x" * size, length=declared)
        sink.pages[f"/{size}/file"] = whole.replace(b"Content-Length: -1\r\n", b"")
    async with Caller(dns, private=True) as caller:
        assert len((await caller.fetch(f"{sink.url}/100/file")).content) == 100
        with pytest.raises(FileTooLarge):
            await caller.fetch(f"{sink.url}/101/file")


async def test_a_file_without_end_is_cut_short(dns: DnsServer, sink: WebhookSink) -> None:
    async with Caller(dns, private=True) as caller:
        with pytest.raises(FileTooLarge):
            await caller.fetch(f"{sink.url}/endless", 1_000_000)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (page(b"abc", length=4), "broken"),
        (page(b"abc", Content_Encoding="gzip"), "broken"),
        (page(b"", status="204 No Content"), "status"),
        (page(b"gone", status="404 Not Found"), "status"),
        (page(b"", status="302 Found"), "status"),
        (b"not HTTP\r\n\r\n", "broken"),
        (b"", "broken"),
    ],
)
async def test_answer_that_is_not_a_complete_file_is_an_error(
    dns: DnsServer, sink: WebhookSink, answer: bytes, kind: str
) -> None:
    sink.pages["/a"] = answer
    async with Caller(dns, private=True) as caller:
        assert await caller.unfetched(f"{sink.url}/a") == kind


@pytest.mark.parametrize("order", ["hang", "slow-headers"])
async def test_slow_file_meets_the_timeout(dns: DnsServer, sink: WebhookSink, order: str) -> None:
    async with Caller(dns, private=True, total_s=0.5) as caller:
        assert await caller.unfetched(f"{sink.url}/{order}") == "timeout"


async def test_three_redirects_are_followed_and_no_fourth(dns: DnsServer, sink: WebhookSink) -> None:
    """C-35."""
    sink.pages["/file"] = page(b"here")
    for hop, target in enumerate(["/file#part", "1", f"{sink.url}/hops/2", "//" + sink.url[7:] + "/hops/3"]):
        sink.pages[f"/hops/{hop + 1}"] = page(b"", status="302 Found", Location=target)
    async with Caller(dns, private=True) as caller:
        assert (await caller.fetch(f"{sink.url}/hops/3")).content == b"here"
        assert await caller.unfetched(f"{sink.url}/hops/4") == "status"


async def test_no_hostile_link_is_fetched(dns: DnsServer) -> None:
    """Z-22: the same table as for webhooks, and for both."""
    async with Caller(dns, private=False) as caller:
        for url, _ in HOSTILE_URLS:
            assert (await caller.unfetched(url), url) == ("refused", url)
            assert (await caller.failure(url), url) == ("refused", url)
    assert not dns.queries


async def test_no_name_with_a_hostile_address_is_called(dns: DnsServer) -> None:
    addresses = [address for address in HOSTILE if "%" not in address]
    dns.zones = {
        (f"{no}.example.com", "AAAA" if ":" in address else "A"): [address]
        for no, address in enumerate(addresses)
    }
    async with Caller(dns, private=False) as caller:
        for no, address in enumerate(addresses):
            url = f"https://{no}.example.com/a"
            assert (await caller.unfetched(url), address) == ("refused", address)
            assert (await caller.failure(url), address) == ("refused", address)


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[fe80::1]/",
        "file:///etc/passwd",
        "ftp://files.example.com/",
        "http://2130706433/",
        "http://user@127.0.0.1/",
        "http://rebound.example.com/",
    ],
)
async def test_each_hop_of_a_redirect_is_checked(dns: DnsServer, sink: WebhookSink, target: str) -> None:
    """C-35: with private networks allowed too, since some places stay shut."""
    dns.zones = {("rebound.example.com", "A"): ["169.254.169.254"]}
    sink.pages["/a"] = page(b"", status="302 Found", Location=target)
    async with Caller(dns, private=True) as caller:
        assert await caller.unfetched(f"{sink.url}/a") == "refused"


async def test_dns_rebinding_of_a_link_is_refused(dns: DnsServer, sink: WebhookSink) -> None:
    """DNS rebinding: each connection goes to an address that was checked for it."""
    sink.pages["/a"] = page(b"", status="302 Found", Location=f"http://{HOST}:{sink.port}/b")
    sink.pages["/b"] = page(b"b")
    dns.zones = {(HOST, "A"): ["127.0.0.1"]}
    async with Caller(dns, private=True) as caller:
        assert (await caller.fetch(f"{sink.url}/a")).content == b"b"
        dns.zones = {(HOST, "A"): ["169.254.169.254"]}
        caller.clock.advance(3600)
        assert await caller.unfetched(f"{sink.url}/a") == "refused"
    assert [call.path for call in sink.calls] == ["/a", "/b", "/a"]
