"""The rules that a dialect gives for a method hold for its requests and answers."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest_asyncio
from zidimail.v1 import domain_pb2, domain_service_pb2

from edge.client_ip import ClientIps
from edge.dialects.dialect import HeaderField, RouteRules
from edge.dialects.endpoint import Endpoint
from edge.dialects.operation import Limits, Method
from edge.dialects.zidimail.dialect import ZidiMail
from edge.middleware.credential import Credential
from edge.transcoding.capacity import Capacity
from edge.transcoding.routes import Route
from tests.unit.edge.transcoding.contract import ROUTES

CREATE_DOMAIN = "zidimail.v1.DomainService.CreateDomain"


class Tuned(ZidiMail):
    """The dialect of `/v1` with other rules for one method."""

    def rules(self, route: Route) -> RouteRules:
        rules = super().rules(route)
        if route.method.full_name != CREATE_DOMAIN:
            return rules
        return replace(
            rules,
            status=202,
            request_headers={b"x-domain": HeaderField("domain", str.lower)},
            response_headers=lambda response: ((b"x-id", response.domain.id.encode()),),
            body_limit=5000,
        )


async def admit(caller: Any) -> None:
    pass


async def invoke(request: domain_service_pb2.CreateDomainRequest, caller: Any) -> Any:
    domain = domain_pb2.Domain(id="d1", domain=request.domain)
    return domain_service_pb2.CreateDomainResponse(domain=domain)


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A client of an edge that takes bodies of 1,000 bytes."""
    methods = {route.method.full_name: Method(invoke, admit) for route in ROUTES}
    limits = Limits(deadline_s=5, body=1000, body_with_files=1000)
    endpoint = Endpoint(Tuned(ROUTES), methods, limits, Capacity(10, 100_000), ClientIps(), None)
    transport = httpx.ASGITransport(app=Credential(endpoint, app_url="http://edge"))
    headers = {"authorization": "Bearer zm_live_1_2"}
    async with httpx.AsyncClient(transport=transport, base_url="http://edge", headers=headers) as client:
        yield client


async def test_a_method_has_its_own_body_limit(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v1/domains", json={"domain": "x" * 4000})).status_code == 202
    too_large = await client.post("/v1/domains", json={"domain": "x" * 5000})
    assert (too_large.status_code, "5000" in too_large.json()["message"]) == (413, True)
    assert (await client.post("/v1/webhooks", json={"url": "x" * 1000})).status_code == 413


async def test_header_fills_a_field_and_takes_precedence_over_the_body(client: httpx.AsyncClient) -> None:
    body, headers = {"domain": "body.test"}, {"x-domain": "HEADER.test"}
    answer = await client.post("/v1/domains", json=body, headers=headers)
    assert answer.json()["domain"] == "header.test"


async def test_response_fields_become_headers(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/domains", json={"domain": "a.test"})
    assert answer.headers["x-id"] == "d1"
