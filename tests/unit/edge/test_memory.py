"""A request that was refused leaves none of its body in memory, although no collector comes by (C-41)."""

import tracemalloc

import httpx
import orjson
import pytest
from google.rpc import code_pb2
from zidimail.v1 import email_service_pb2 as pb

from tests.unit.edge.server import EmailServer, status

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIZE = 2**20
REQUESTS = 12
# Of the bodies of all requests, those that may still be there: the last one, in each of its forms.
KEPT = 3


def email(**fields: object) -> dict[str, object]:
    """An email of a megabyte, with these fields instead of its own."""
    return {"from": "a@x.test", "to": ["b@y.test"], "subject": "s", "text": "x" * SIZE, **fields}


BODIES: dict[str, tuple[str, bytes, str]] = {
    "no credential": ("/v1/emails", orjson.dumps(email()), ""),
    "wrong credential": ("/v1/emails", orjson.dumps(email()), "Bearer stranger"),
    "no JSON": ("/v1/emails", b"{" * SIZE, "Bearer key"),
    "wrong type": ("/v1/emails", orjson.dumps(email(to=1)), "Bearer key"),
    "wrong batch": ("/v1/emails/batch", orjson.dumps([email(to=1)]), "Bearer key"),
    "too large": ("/v1/emails", orjson.dumps(email(text="x" * 3 * SIZE)), "Bearer key"),
}


async def kept_of(edge: str, path: str, body: bytes, credential: str) -> float:
    """The bodies that stay in memory after a number of requests, which all fail."""
    headers = {"authorization": credential} if credential else {}
    headers["content-type"] = "application/json"
    async with httpx.AsyncClient(base_url=edge, headers=headers) as client:
        before = 0
        for number in range(REQUESTS + 2):
            if number == 2:
                before, _ = tracemalloc.get_traced_memory()
            answer = await client.post(path, content=body)
            assert answer.status_code >= 400
        after, _ = tracemalloc.get_traced_memory()
    return (after - before) / SIZE


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("refusal", BODIES)
async def test_request_that_the_edge_refuses_leaves_no_memory_behind(edge: str, refusal: str) -> None:
    assert await kept_of(edge, *BODIES[refusal]) < KEPT


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("path", ["/v1/emails", "/v1/emails/batch"])
async def test_request_that_the_server_refuses_leaves_no_memory_behind(
    edge: str, emails: EmailServer, path: str
) -> None:
    emails.refusal = status("ACCOUNT_PAUSED", code_pb2.PERMISSION_DENIED)
    body = orjson.dumps(email() if path == "/v1/emails" else [email()])
    assert await kept_of(edge, path, body, "Bearer key") < KEPT


@pytest.mark.usefixtures("uncollected")
async def test_item_that_the_server_refuses_leaves_no_memory_behind(edge: str, emails: EmailServer) -> None:
    emails.outcome = lambda request: pb.BatchSendResult(error=status("SANDBOX_RESTRICTED"))
    assert await kept_of(edge, "/v1/emails", orjson.dumps(email()), "Bearer key") < KEPT
