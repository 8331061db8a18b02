"""CORS, the rate of requests by client address, and quota headers: Z-5, Z-46, C-47, F-9."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import httpx
import pytest
import pytest_asyncio
from google.rpc import code_pb2
from limits import parse
from zidimail.v1 import email_service_pb2 as pb

from edge.middleware.cors import origin_of
from edge.settings import Settings
from tests.unit.edge.conftest import serve_edge
from tests.unit.edge.server import EmailServer, status

pytestmark = pytest.mark.asyncio(loop_scope="module")

APP = "https://app.example.com"
KEY = {"authorization": "Bearer zm_live_1_2"}
ASK = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
FOREIGN = [
    "https://evil.example",
    "http://app.example.com",
    "https://app.example.com:8443",
    "https://app.example.com.evil.example",
    "https://sub.app.example.com",
    "null",
    "*",
    "",
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(email_server: EmailServer) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an edge whose pages are at APP."""
    settings = Settings(server=email_server.target, app_url=APP)
    async with serve_edge(settings) as url, httpx.AsyncClient(base_url=url, headers=KEY) as client:
        yield client


def cors(answer: httpx.Response) -> set[str]:
    return {name for name in answer.headers if name.startswith("access-control-")}


@pytest.mark.parametrize("path", ["/v1/emails", "/v1/webhooks/x/replay", "/v1/openapi.json", "/v1/nothing"])
async def test_preflight_from_the_app_lists_methods_and_headers(app: httpx.AsyncClient, path: str) -> None:
    """Z-5."""
    answer = await app.options(path, headers={"origin": APP, **ASK})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == APP
    assert answer.headers["access-control-allow-methods"] == "GET, POST, PATCH, DELETE"
    allowed = answer.headers["access-control-allow-headers"].lower().split(", ")
    assert {"authorization", "content-type", "idempotency-key"} <= set(allowed)
    assert "origin" in answer.headers["vary"].lower()
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/v1/emails", 200),
        ("POST", "/v1/emails/batch", 200),
        ("GET", "/v1/nothing", 404),
        ("PUT", "/v1/emails", 405),
        ("GET", "/healthz", 200),
        ("GET", "/v1/openapi.json", 200),
    ],
)
async def test_cors_headers_are_on_answers_and_errors_for_the_app(
    app: httpx.AsyncClient, emails: EmailServer, method: str, path: str, expected: int
) -> None:
    """Z-5, F-9."""
    answer = await app.request(method, path, headers={"origin": APP}, json={})
    assert answer.status_code == expected
    assert answer.headers["access-control-allow-origin"] == APP
    exposed = set(answer.headers["access-control-expose-headers"].lower().split(", "))
    assert {"x-request-id", "retry-after", "ratelimit-limit", "ratelimit-remaining"} <= exposed
    assert {"ratelimit-reset", "idempotent-replayed"} <= exposed
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", FOREIGN)
async def test_other_origins_get_no_cors_headers(
    app: httpx.AsyncClient, emails: EmailServer, origin: str
) -> None:
    """Z-5."""
    answer = await app.post("/v1/emails", headers={"origin": origin}, json={})
    assert answer.status_code == 200
    assert not cors(answer)
    assert "origin" in answer.headers["vary"].lower()
    preflight = await app.options("/v1/emails", headers={"origin": origin, **ASK})
    assert preflight.status_code == 405
    assert not cors(preflight)


@pytest.mark.parametrize("headers", [{"origin": APP}, ASK, {}], ids=["no method", "no origin", "neither"])
async def test_options_without_a_preflight_is_405(app: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """A preflight names the origin and the method that it asks for (Fetch, section 3.3.2)."""
    answer = await app.options("/v1/emails", headers=headers)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, POST"
    assert "access-control-allow-methods" not in answer.headers


async def test_call_with_the_headers_of_a_preflight_is_a_call(
    app: httpx.AsyncClient, emails: EmailServer
) -> None:
    answer = await app.post("/v1/emails", headers={"origin": APP, **ASK}, json={})
    assert answer.status_code == 200
    assert "access-control-allow-methods" not in answer.headers


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://App.Example.com/dashboard/", "https://app.example.com"),
        ("https://app.example.com:443", "https://app.example.com"),
        ("http://app.example.com:80", "http://app.example.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
    ],
)
async def test_origin_is_normalised_like_browsers_do(url: str, origin: str) -> None:
    """RFC 6454 section 6.2."""
    assert origin_of(url) == origin


async def test_request_over_the_rate_is_429_without_a_server_call(emails: EmailServer) -> None:
    """Z-46, Z-8, F-9."""
    settings = replace(Settings(server=emails.target), ip_limit=parse("2/hour"))
    async with serve_edge(settings) as url, httpx.AsyncClient(base_url=url, headers=KEY) as client:
        answers = [await client.post("/v1/emails", json={"subject": str(n)}) for n in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
        assert [answer.headers["ratelimit-limit"] for answer in answers] == ["2"] * 4
        assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["1", "0", "0", "0"]
        assert all(3500 < int(answer.headers["ratelimit-reset"]) <= 3600 for answer in answers)
        assert answers[2].headers["retry-after"] == answers[2].headers["ratelimit-reset"]
        body = answers[2].json()
        assert (body["name"], body["statusCode"]) == ("rate_limit_exceeded", 429)
        assert body["error"]
        left = datetime.fromisoformat(body["resetsAt"]) - datetime.now(UTC)
        assert timedelta(minutes=58) < left <= timedelta(minutes=60)
        assert (await client.get("/v1/nothing")).status_code == 429
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).status_code == 200
    assert len(emails.batches) == 2


async def test_body_refused_by_the_rate_limit_keeps_the_connection_open(
    emails: EmailServer,
) -> None:
    settings = replace(Settings(server=emails.target), ip_limit=parse("1/hour"))
    async with serve_edge(settings) as url, httpx.AsyncClient(base_url=url, headers=KEY) as client:
        for expected in (200, 429, 429):
            answer = await client.post("/v1/emails", json={"text": "x" * 1_000_000})
            assert answer.status_code == expected


async def test_no_rate_limit_sends_no_header(emails: EmailServer) -> None:
    settings = replace(Settings(server=emails.target), ip_limit=None)
    async with serve_edge(settings) as url, httpx.AsyncClient(base_url=url, headers=KEY) as client:
        answer = await client.post("/v1/emails", json={})
    assert not {name for name in answer.headers if name.startswith("ratelimit")}


async def test_clients_behind_a_trusted_proxy_have_separate_rates(emails: EmailServer) -> None:
    """Z-46, F-7."""
    settings = replace(
        Settings(server=emails.target),
        ip_limit=parse("1/hour"),
        trusted_proxies=(ip_network("127.0.0.0/8"),),
    )
    async with serve_edge(settings) as url, httpx.AsyncClient(base_url=url, headers=KEY) as client:

        async def visit(address: str) -> int:
            headers = {"x-forwarded-for": f"203.0.113.1, {address}"}
            return (await client.post("/v1/emails", json={}, headers=headers)).status_code

        assert [await visit("192.0.2.1"), await visit("192.0.2.2"), await visit("192.0.2.1")] == [
            200,
            200,
            429,
        ]
        assert [await visit("2001:db8::1"), await visit("2001:db8::2")] == [200, 429]
    addresses = [metadata["x-client-ip"] for metadata in emails.metadata]
    assert addresses == ["192.0.2.1", "192.0.2.2", "2001:db8::1"]


async def test_client_ip_of_the_connection_is_passed_to_the_server(
    app: httpx.AsyncClient, emails: EmailServer
) -> None:
    """F-7: what X-Client-Ip or X-Forwarded-For say counts for nothing."""
    lies = {"x-forwarded-for": "192.0.2.1", "x-client-ip": "192.0.2.1"}
    await app.post("/v1/emails", json={}, headers=lies)
    assert emails.metadata[0]["x-client-ip"] == "127.0.0.1"


async def test_call_shared_by_clients_names_each_client_ip(emails: EmailServer) -> None:
    """F-7: the server refuses it if the key is bound to networks and one of them is outside."""
    settings = replace(Settings(server=emails.target), trusted_proxies=(ip_network("127.0.0.0/8"),))
    emails.gate.clear()
    async with serve_edge(settings) as url, httpx.AsyncClient(base_url=url, headers=KEY) as client:
        sends = [
            asyncio.create_task(
                client.post("/v1/emails", json={}, headers={"x-forwarded-for": f"192.0.2.{n % 2}"})
            )
            for n in range(12)
        ]
        emails.gate.set()
        assert [(await send).status_code for send in sends] == [200] * 12
    assert "192.0.2.0,192.0.2.1" in {metadata["x-client-ip"] for metadata in emails.metadata}


def quota(limit: int, remaining: int, seconds: float) -> pb.RateLimit:
    rate = pb.RateLimit(limit=limit, remaining=remaining)
    rate.resets_at.FromDatetime(datetime.now(UTC) + timedelta(seconds=seconds))
    return rate


async def test_send_returns_the_nearest_quota_in_headers(app: httpx.AsyncClient, emails: EmailServer) -> None:
    """F-9."""
    emails.outcome = lambda email: pb.BatchSendResult(
        sent=pb.SendEmailResponse(id="e1", rate_limit=quota(250, 7, 3600))
    )
    answer = await app.post("/v1/emails", json={})
    assert answer.json() == {"id": "e1"}
    assert answer.headers["ratelimit-limit"] == "250"
    assert answer.headers["ratelimit-remaining"] == "7"
    assert 3500 < int(answer.headers["ratelimit-reset"]) <= 3600


async def test_batch_returns_the_nearest_quota_of_its_results(
    app: httpx.AsyncClient, emails: EmailServer
) -> None:
    """F-9."""
    left = iter([9, 8, 7])
    emails.outcome = lambda email: pb.BatchSendResult(
        sent=pb.SendEmailResponse(id="e", rate_limit=quota(10, next(left), 60))
    )
    answer = await app.post("/v1/emails/batch", json=[{}, {}, {}])
    assert answer.headers.get_list("ratelimit-remaining") == ["7"]


@pytest.mark.parametrize(
    ("reason", "name", "metadata", "remaining"),
    [
        ("BURST_LIMIT_EXCEEDED", "rate_limit_exceeded", {"limit": "2"}, "0"),
        ("DAILY_QUOTA_EXCEEDED", "daily_quota_exceeded", {"used": "249", "limit": "250"}, "1"),
        ("MONTHLY_QUOTA_EXCEEDED", "monthly_quota_exceeded", {"used": "3000", "limit": "3000"}, "0"),
        ("RECIPIENT_CAP_EXCEEDED", "rate_limit_exceeded", {"used": "100", "limit": "100"}, "0"),
        ("WARM_UP_LIMIT_EXCEEDED", "rate_limit_exceeded", {"used": "60", "limit": "50"}, "0"),
    ],
)
async def test_send_over_quota_is_429_with_retry_after(
    app: httpx.AsyncClient,
    emails: EmailServer,
    reason: str,
    name: str,
    metadata: dict[str, str],
    remaining: str,
) -> None:
    """Z-45, C-2, F-9."""
    resets = (datetime.now(UTC) + timedelta(hours=1)).isoformat(timespec="milliseconds")
    resets = resets.replace("+00:00", "Z")
    emails.outcome = lambda email: pb.BatchSendResult(
        error=status(
            reason, code_pb2.RESOURCE_EXHAUSTED, **{"requested": "2", **metadata, "resets_at": resets}
        )
    )
    answer = await app.post("/v1/emails", json={})
    assert answer.status_code == 429
    assert (answer.json()["name"], answer.json()["resetsAt"]) == (name, resets)
    assert answer.headers["ratelimit-limit"] == metadata["limit"]
    assert answer.headers["ratelimit-remaining"] == remaining
    assert 3500 < int(answer.headers["retry-after"]) <= 3600
    assert answer.headers["ratelimit-reset"] == answer.headers["retry-after"]
