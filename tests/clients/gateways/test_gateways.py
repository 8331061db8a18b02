"""A gateway that reads the annotations serves the /v1 routes, in plain proto JSON."""

import base64
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.clients.gateways import recipes
from tests.clients.gateways.recipes import Gateway
from tests.harness.stack import Stack

GATEWAYS = {"envoy": recipes.envoy, "grpc-gateway": recipes.grpc_gateway}
# More than the megabyte that Envoy holds by default, and than the 4 MiB that gRPC clients take.
LARGE_BYTES = 5_000_000
UNKNOWN_ID = "0123456789abcdef01234567"


@pytest.fixture(scope="module", params=GATEWAYS)
def gateway(
    request: pytest.FixtureRequest, stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """Each gateway, in front of the same server."""
    with GATEWAYS[request.param](tmp_path_factory.mktemp(request.param), stack.grpc) as gateway:
        yield gateway


@pytest.fixture
def client(gateway: Gateway, stack: Stack) -> Iterator[httpx.Client]:
    """A client of the gateway with the owner's key."""
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(base_url=gateway.url, headers=headers, timeout=30) as client:
        yield client


def an_email(stack: Stack, **fields: object) -> dict[str, Any]:
    return {
        "from": f"Shop <gateway@{stack.domain}>",
        "to": ["you@example.net"],
        "subject": "Hello",
        "text": "It works.",
        **fields,
    }


def a_key() -> str:
    """A new idempotency key, with the characters that JSON escapes."""
    return f'order "{uuid.uuid4()}" \\1'


def details(answer: httpx.Response) -> dict[str, Any]:
    """The details of a google.rpc.Status by the names of their types."""
    return {detail["@type"].rpartition(".")[2]: detail for detail in answer.json()["details"]}


def test_a_sent_email_is_read_back_with_enums_in_full(
    gateway: Gateway, client: httpx.Client, stack: Stack
) -> None:
    sent = client.post("/v1/emails", json=an_email(stack, subject="By gateway"))
    assert sent.status_code == 200, sent.text
    read = client.get(f"/v1/emails/{sent.json()['id']}").json()
    email = read if gateway.is_flat else read["email"]
    assert (email["id"], email["subject"]) == (sent.json()["id"], "By gateway")
    assert email["status"].startswith("EMAIL_STATUS_")
    assert email["events"][0]["type"] == "EVENT_TYPE_EMAIL_SENT"


def test_pages_of_a_list_are_walked_and_64_bit_numbers_are_strings(
    client: httpx.Client, stack: Stack
) -> None:
    sent = [client.post("/v1/emails", json=an_email(stack)).json()["id"] for _ in range(3)]
    first = client.get("/v1/emails", params={"limit": 2}).json()
    assert isinstance(first["total"], str)
    second = client.get("/v1/emails", params={"limit": 2, "after": first["next_cursor"]}).json()
    assert [email["id"] for page in (first, second) for email in page["data"]][:3] == sent[::-1]


def test_both_the_literal_and_the_variable_route_are_reached(client: httpx.Client) -> None:
    assert client.get("/v1/emails/stats", params={"days": 7}).json()["days"] == 7
    answer = client.get(f"/v1/emails/{UNKNOWN_ID}")
    assert (answer.status_code, answer.json()["code"]) == (404, 5)
    assert details(answer)["ErrorInfo"]["reason"] == "EMAIL_NOT_FOUND"


def test_a_created_object_answers_200_where_the_edge_answers_201(
    gateway: Gateway, client: httpx.Client, stack: Stack
) -> None:
    def created(url: str) -> httpx.Response:
        return client.post(f"{url}/v1/domains", json={"domain": f"d{uuid.uuid4().hex}.example.com"})

    assert created(stack.http).status_code == 201
    answer = created(gateway.url)
    assert answer.status_code == 200
    domain = answer.json() if gateway.is_flat else answer.json()["domain"]
    assert domain["status"] == "DOMAIN_STATUS_PENDING"


def test_an_error_is_a_status_with_its_details(gateway: Gateway, client: httpx.Client, stack: Stack) -> None:
    email = an_email(stack)
    del email["from"]
    assert client.post(f"{stack.http}/v1/emails", json=email).status_code == 422
    answer = client.post("/v1/emails", json=email)
    assert (answer.status_code, answer.json()["code"]) == (400, 3)
    assert details(answer)["ErrorInfo"]["reason"] == "VALIDATION_FAILED"
    assert details(answer)["BadRequest"]["field_violations"][0]["field"] == "from"


def test_a_wrong_key_is_refused(client: httpx.Client) -> None:
    answer = client.get("/v1/emails", headers={"Authorization": "Bearer zm_live_wrong"})
    assert (answer.status_code, answer.json()["code"]) == (401, 16)
    assert details(answer)["ErrorInfo"]["reason"] == "INVALID_CREDENTIALS"


def test_the_idempotency_key_header_makes_a_repeated_send_safe(client: httpx.Client, stack: Stack) -> None:
    key = {"Idempotency-Key": a_key()}
    first = client.post("/v1/emails", json=an_email(stack), headers=key).json()
    again = client.post("/v1/emails", json=an_email(stack), headers=key).json()
    assert (again["id"], first["replayed"], again["replayed"]) == (first["id"], False, True)
    in_body = client.post("/v1/emails", json=an_email(stack, idempotency_key=key["Idempotency-Key"])).json()
    assert in_body["id"] == first["id"]
    other = client.post("/v1/emails", json=an_email(stack, subject="Other"), headers=key)
    assert other.status_code == 409
    assert details(other)["ErrorInfo"]["reason"] == "IDEMPOTENCY_KEY_REUSED"


def test_the_idempotency_key_header_makes_a_repeated_batch_safe(client: httpx.Client, stack: Stack) -> None:
    key = {"Idempotency-Key": a_key()}
    batch = {"emails": [an_email(stack), an_email(stack)]}
    first, again = (client.post("/v1/emails/batch", json=batch, headers=key).json() for _ in range(2))
    assert (first["replayed"], again["replayed"]) == (False, True)
    assert again["results"] == first["results"]


def test_no_spelling_of_the_path_loses_the_idempotency_key(client: httpx.Client, stack: Stack) -> None:
    key = {"Idempotency-Key": a_key()}
    paths = ("/v1/emails", "/v1/emails/", "/v1/emails//", "/v1/%65mails", "//v1/emails", "/v1/./emails")
    answers = [client.post(path, json=an_email(stack), headers=key) for path in paths]
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 200}) == 1


def test_an_invalid_idempotency_key_is_refused(client: httpx.Client, stack: Stack) -> None:
    answer = client.post("/v1/emails", json=an_email(stack), headers={b"Idempotency-Key": "é".encode()})
    assert answer.status_code == 400
    assert details(answer)["ErrorInfo"]["reason"] == "INVALID_IDEMPOTENCY_KEY"


def test_a_body_that_is_no_object_is_refused_with_or_without_a_key(
    client: httpx.Client, stack: Stack
) -> None:
    for headers in ({}, {"Idempotency-Key": a_key()}):
        for body in ([an_email(stack)], "text", 1, None):
            assert client.post("/v1/emails", json=body, headers=headers).status_code == 400


def test_two_different_idempotency_keys_are_refused_or_the_header_wins(
    gateway: Gateway, client: httpx.Client, stack: Stack
) -> None:
    key = {"Idempotency-Key": a_key()}
    first = client.post("/v1/emails", json=an_email(stack), headers=key).json()
    answer = client.post("/v1/emails", json=an_email(stack, idempotency_key=a_key()), headers=key)
    if gateway.is_flat:
        assert answer.json()["id"] == first["id"]
    else:
        assert answer.status_code == 400


def test_a_call_without_a_body_may_carry_an_idempotency_key(client: httpx.Client) -> None:
    answer = client.post(f"/v1/emails/{UNKNOWN_ID}/cancel", headers={"Idempotency-Key": a_key()})
    assert details(answer)["ErrorInfo"]["reason"] == "EMAIL_NOT_FOUND"


def test_a_large_email_is_sent_and_read(gateway: Gateway, client: httpx.Client, stack: Stack) -> None:
    file = {"filename": "a.bin", "content": base64.b64encode(bytes(LARGE_BYTES)).decode()}
    email = an_email(stack, html="x" * LARGE_BYTES, attachments=[file])
    sent = client.post("/v1/emails", json=email, headers={"Idempotency-Key": a_key()})
    assert sent.status_code == 200, sent.text
    read = client.get(f"/v1/emails/{sent.json()['id']}").json()
    assert len((read if gateway.is_flat else read["email"])["html"]) == LARGE_BYTES


def test_an_unknown_field_of_a_body_is_passed_over(client: httpx.Client, stack: Stack) -> None:
    assert client.post("/v1/emails", json=an_email(stack, unknown=1)).status_code == 200


def test_an_absent_field_differs_from_an_empty_one(client: httpx.Client, stack: Stack) -> None:
    """`content` of an attachment may be empty, but not absent."""

    def status(**content: str) -> int:
        email = an_email(stack, attachments=[{"filename": "a.txt", **content}])
        return client.post("/v1/emails", json=email).status_code

    assert (status(content=""), status()) == (200, 400)


def test_only_the_edge_serves_the_routes_of_other_sdks(
    gateway: Gateway, client: httpx.Client, stack: Stack
) -> None:
    assert client.get(f"{stack.http}/emails").status_code == 200
    assert client.get(f"{gateway.url}/emails").status_code in (404, 501)


def test_the_gateway_logged_no_failed_script(gateway: Gateway) -> None:
    assert "script log" not in gateway.log.read_text()
