"""The edge as a whole, in front of a server of the contract."""

import asyncio
from dataclasses import replace

import httpx
import pytest
from google.rpc import code_pb2
from grpc_health.v1 import health_pb2
from openapi_spec_validator import validate
from zidimail.v1 import email_service_pb2 as pb

from edge.settings import Settings
from tests.harness.stack import free_port
from tests.harness.waiting import until
from tests.unit.edge.conftest import serve_edge
from tests.unit.edge.server import EmailServer, sent, status

pytestmark = pytest.mark.asyncio(loop_scope="module")

SECURITY_HEADERS = {
    "strict-transport-security",
    "x-frame-options",
    "x-content-type-options",
    "referrer-policy",
    "x-request-id",
}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/emails"),
        ("GET", "/v1/nothing"),
        ("PUT", "/v1/emails"),
        ("GET", "/"),
        ("GET", "/healthz"),
        ("POST", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/v1/openapi.json"),
    ],
)
async def test_security_headers_and_a_request_id_are_on_every_answer(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    """Z-6, F-9."""
    answer = await client.request(method, path)
    assert answer.headers.keys() >= SECURITY_HEADERS
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()


@pytest.mark.parametrize("given", ["r-1", "a.b:c/d=e@f+g", "x" * 128])
async def test_valid_request_id_is_kept_and_passed_on(
    client: httpx.AsyncClient, emails: EmailServer, given: str
) -> None:
    answer = await client.post("/v1/emails", json={}, headers={"x-request-id": given})
    assert answer.headers["x-request-id"] == given
    assert emails.metadata[0]["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "<script>", "é"])
async def test_invalid_request_id_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    answer = await client.post("/v1/emails", json={}, headers={"x-request-id": given.encode()})
    assert answer.headers["x-request-id"] != given
    assert len(answer.headers["x-request-id"]) == 24


async def test_a_send_is_answered_with_its_id_and_nothing_else(client: httpx.AsyncClient) -> None:
    """Z-11."""
    answer = await client.post("/v1/emails", json={"to": "a@b.c", "subject": "hello"})
    assert (answer.status_code, answer.json()) == (200, {"id": "hello"})


async def test_a_warning_is_shown_beside_the_id(client: httpx.AsyncClient, emails: EmailServer) -> None:
    emails.outcome = lambda email: pb.BatchSendResult(sent=pb.SendEmailResponse(id="e1", warning="careful"))
    answer = await client.post("/v1/emails", json={})
    assert answer.json() == {"id": "e1", "warning": "careful"}


async def test_a_repeated_send_is_marked_in_a_header_and_not_in_the_body(
    client: httpx.AsyncClient, emails: EmailServer
) -> None:
    """F-1."""
    emails.outcome = lambda email: pb.BatchSendResult(
        sent=pb.SendEmailResponse(id=email.idempotency_key, replayed=email.subject == "again")
    )
    headers = {"idempotency-key": "k1"}
    first = await client.post("/v1/emails", json={"subject": "first"}, headers=headers)
    again = await client.post("/v1/emails", json={"subject": "again"}, headers=headers)
    assert first.json() == again.json() == {"id": "k1"}
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_repeated_batch_is_marked_in_a_header(client: httpx.AsyncClient, emails: EmailServer) -> None:
    emails.replayed = True
    headers = {"idempotency-key": "k2"}
    answer = await client.post("/v1/emails/batch", json=[{"subject": "a"}], headers=headers)
    assert answer.json() == {"data": [{"id": "a"}]}
    assert answer.headers["idempotent-replayed"] == "true"
    assert emails.batches[0].idempotency_key == "k2"
    assert not emails.batches[0].emails[0].HasField("idempotency_key")


@pytest.mark.parametrize("key", ["", "k" * 300, "é"])
async def test_idempotency_key_of_any_form_is_passed_to_the_server(
    client: httpx.AsyncClient, emails: EmailServer, key: str
) -> None:
    await client.post("/v1/emails", json={}, headers={"idempotency-key": key.encode("latin-1")})
    assert emails.batches[0].emails[0].idempotency_key == key


@pytest.mark.parametrize("shape", [lambda emails: emails, lambda emails: {"emails": emails}])
@pytest.mark.parametrize(
    ("header", "mode"),
    [(None, 0), ("strict", pb.BATCH_MODE_STRICT), ("permissive", pb.BATCH_MODE_PERMISSIVE)],
)
async def test_batch_is_an_array_or_an_object_and_a_header_sets_its_mode(
    client: httpx.AsyncClient, emails: EmailServer, shape: object, header: str | None, mode: int
) -> None:
    """C-4, C-17."""
    assert callable(shape)
    headers = {"x-batch-validation": header} if header else {}
    body = shape([{"to": "a@b.c", "subject": "1", "tags": {"n": "v"}}, {"subject": "2"}])
    answer = await client.post("/v1/emails/batch", json=body, headers=headers)
    assert answer.json() == {"data": [{"id": "1"}, {"id": "2"}]}
    assert emails.batches[0].mode == mode
    assert list(emails.batches[0].emails[0].to) == ["a@b.c"]
    assert emails.batches[0].emails[0].tags[0].value == "v"


async def test_permissive_batch_skips_malformed_emails(
    client: httpx.AsyncClient, emails: EmailServer
) -> None:
    """C-4: also with more violations than one error lists."""
    emails.outcome = lambda email: (
        sent(email) if email.subject else pb.BatchSendResult(error=status("VALIDATION_FAILED", field="from"))
    )
    right, wrong = {"subject": "good"}, [{"to": 5}, 7, {"subject": "a\0"}, {"tags": [{"name": 1}], "to": [2]}]
    body = [right, *wrong, right, *[{"subject": n} for n in range(60)], right]
    answer = await client.post("/v1/emails/batch", json=body, headers={"x-batch-validation": "permissive"})
    assert answer.json()["data"] == [{"id": "good"}] * 3
    errors = {error["index"]: error["message"] for error in answer.json()["errors"]}
    assert sorted(errors) == [*range(1, 5), *range(6, 66)]
    assert errors[1].startswith("to: must be")
    assert errors[2].startswith("must be an object")
    assert len(emails.batches) == 1
    strict = await client.post("/v1/emails/batch", json=body)
    assert strict.status_code == 422
    assert len(emails.batches) == 1


async def test_permissive_batch_reports_errors_by_index(
    client: httpx.AsyncClient, emails: EmailServer
) -> None:
    emails.outcome = lambda email: (
        sent(email)
        if email.subject == "good"
        else pb.BatchSendResult(error=status("DOMAIN_NOT_VERIFIED", domain="x.test"))
    )
    body = [{"subject": "bad"}, {"subject": "good"}]
    answer = await client.post("/v1/emails/batch", json=body, headers={"x-batch-validation": "permissive"})
    assert answer.status_code == 200
    assert answer.json()["data"] == [{"id": "good"}]
    ((error),) = answer.json()["errors"]
    assert error["index"] == 0
    assert error["message"]


async def test_unknown_batch_mode_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/emails/batch", json=[], headers={"x-batch-validation": "lenient"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "x-batch-validation"


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b"", "application/json", 200),
        (b"", "", 200),
        (b"{}", "application/json; charset=utf-8", 200),
        (b"{}", "Application/JSON", 200),
        (b"{}", "", 200),
        (b"{}", "text/plain", 415),
        (b"{}", "application/x-www-form-urlencoded", 415),
        (b"{}", "multipart/form-data; boundary=x", 415),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"null", "application/json", 400),
        (b'"x"', "application/json", 400),
        (b"{} x", "application/json", 400),
        (b'{"subject": NaN}', "application/json", 400),
        (b'{"subject": 1e999}', "application/json", 400),
        (b'{"subject": "\xff"}', "application/json", 415),
        (b'{"subject": "\\ud800"}', "application/json", 400),
        (b"\xef\xbb\xbf{}", "application/json", 200),
        (b"\xef\xbb\xbf", "application/json", 200),
        (b"\xef\xbb\xbf{", "application/json", 400),
        ("{}".encode("utf-16"), "application/json", 415),
        (b"{}", "application/json; charset=ISO-8859-1", 415),
        (b"{}", 'application/json; Charset="utf-16"', 415),
        (b"{}", 'application/json;charset="UTF-8"', 200),
        (b"[" * 100_000, "application/json", 400),
        (b'{"a":' * 100_000, "application/json", 400),
        (b'{"subject": ' + b"1" * 5000 + b"}", "application/json", 400),
        (b'{"subject": ' + b"1" * 50 + b"}", "application/json", 422),
        (b'{"subject": "a\\u0000b"}', "application/json", 422),
    ],
)
async def test_a_body_is_one_json_object_in_utf_8(
    client: httpx.AsyncClient, emails: EmailServer, body: bytes, content_type: str, expected: int
) -> None:
    headers = {"content-type": content_type} if content_type else {}
    answer = await client.post("/v1/emails", content=body, headers=headers)
    assert answer.status_code == expected
    if expected != 200:
        assert answer.json()["statusCode"] == expected
        assert not emails.batches


async def test_last_of_duplicate_json_keys_counts(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/emails", content=b'{"subject": "first", "subject": "last"}')
    assert answer.json() == {"id": "last"}


async def test_wrong_method_is_405_with_allow(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/emails/batch")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


async def test_head_is_answered_like_get_without_a_body(client: httpx.AsyncClient) -> None:
    answer = await client.head("/v1/openapi.json")
    assert answer.status_code == 200
    assert answer.content == b""
    assert int(answer.headers["content-length"]) == len((await client.get("/v1/openapi.json")).content)


async def test_no_credential_is_401_before_anything_else(edge: str, emails: EmailServer) -> None:
    """Z-1, C-41."""
    async with httpx.AsyncClient(base_url=edge) as stranger:
        answer = await stranger.post("/v1/emails", content=b"{", headers={"content-type": "text/plain"})
    assert answer.status_code == 401
    assert answer.json()["name"] == "missing_api_key"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert not emails.batches


@pytest.mark.parametrize("credential", [b"Bearer \xc3\xa9", b"Bearer " + b"x" * 5000, b"Bearer a\tb"])
async def test_a_credential_that_grpc_cannot_carry_is_401(
    client: httpx.AsyncClient, credential: bytes
) -> None:
    answer = await client.post("/v1/emails", json={}, headers={"authorization": credential})
    assert answer.status_code == 401


@pytest.mark.parametrize("body", [b"{", b"x" * 3_000_000, b'{"to": 1}', b"{}"])
async def test_invalid_credential_is_401_before_the_body_is_validated(
    client: httpx.AsyncClient, emails: EmailServer, body: bytes
) -> None:
    """C-41."""
    answer = await client.post("/v1/emails", content=body, headers={"authorization": "Bearer stranger"})
    assert answer.status_code == 401
    assert answer.json()["name"] == "invalid_api_key"
    assert not emails.batches


async def test_failed_call_is_answered_by_its_reason(client: httpx.AsyncClient, emails: EmailServer) -> None:
    emails.refusal = status("IDEMPOTENCY_KEY_REUSED", code_pb2.ABORTED, idempotency_key="k")
    for path in ("/v1/emails", "/v1/emails/batch"):
        answer = await client.post(path, json={})
        assert answer.status_code == 409
        assert answer.json()["name"] == "invalid_idempotent_request"


async def test_empty_result_of_a_batch_item_is_an_error(
    client: httpx.AsyncClient, emails: EmailServer
) -> None:
    emails.outcome = lambda email: pb.BatchSendResult()
    assert (await client.post("/v1/emails", json={})).status_code == 500


async def test_a_method_that_the_server_lacks_is_an_internal_error(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/domains")
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] in answer.json()["message"]


async def test_an_answer_that_is_not_ready_in_time_is_504(emails: EmailServer) -> None:
    emails.gate.clear()
    settings = replace(Settings(server=emails.target), deadline_s=1.0)
    async with serve_edge(settings) as url, httpx.AsyncClient(base_url=url) as client:
        answer = await client.post("/v1/emails", json={}, headers={"authorization": "Bearer key"})
    assert answer.status_code == 504


async def test_without_a_server_it_is_503_until_there_is_one() -> None:
    emails = EmailServer()
    port = free_port()
    headers = {"authorization": "Bearer key"}
    async with (
        serve_edge(Settings(server=f"127.0.0.1:{port}")) as url,
        httpx.AsyncClient(base_url=url, headers=headers) as client,
    ):
        answer = await client.post("/v1/emails", json={})
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) >= 1
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/healthz")).status_code == 200
        server, _ = await emails.serve(port)

        async def ready() -> bool:
            return (await client.get("/readyz")).status_code == 200

        await until(ready)
        assert (await client.post("/v1/emails", json={})).status_code == 200
        await emails.health.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
        assert (await client.get("/readyz")).status_code == 503
        await server.stop(grace=0)


async def test_readyz_shows_the_warnings_of_a_server_that_serves(emails: EmailServer) -> None:
    """C-93."""
    async with serve_edge(Settings(server=emails.target)) as url, httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/readyz")).json() == {"status": "ok"}
        emails.warnings = ["The clock is wrong.", "The disk is nearly full."]
        answer = await client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "warnings": emails.warnings}


@pytest.mark.parametrize("limits", [{"requests_limit": 4}, {"bodies_limit": 100}])
async def test_requests_over_capacity_are_503_and_the_rest_are_answered(
    emails: EmailServer, limits: dict[str, int]
) -> None:
    emails.gate.clear()
    settings = replace(Settings(server=emails.target), **limits)
    headers = {"authorization": "Bearer key"}
    async with serve_edge(settings) as url, httpx.AsyncClient(base_url=url, headers=headers) as client:
        sends = [asyncio.create_task(client.post("/v1/emails", json={"x": "y" * 15})) for _ in range(8)]
        await until(lambda: sum(send.done() for send in sends) == 4)
        for send in sends:
            if send.done():
                assert send.result().status_code == 503
                assert send.result().headers["retry-after"] == "1"
        emails.gate.set()
        assert sorted(answer.status_code for answer in await asyncio.gather(*sends)) == [200] * 4 + [503] * 4
        assert (await client.post("/v1/emails", json={"x": "y" * 15})).status_code == 200


async def test_concurrent_sends_share_calls(client: httpx.AsyncClient, emails: EmailServer) -> None:
    emails.gate.clear()
    sends = [asyncio.create_task(client.post("/v1/emails", json={"subject": str(n)})) for n in range(30)]
    await until(lambda: emails.batches)
    emails.gate.set()
    answers = await asyncio.gather(*sends)
    assert [answer.json()["id"] for answer in answers] == [str(n) for n in range(30)]
    assert len(emails.batches) < 15


async def test_sends_over_the_queue_limit_of_a_credential_are_503(emails: EmailServer) -> None:
    emails.gate.clear()
    settings = replace(Settings(server=emails.target), waiting_limit=1)
    async with serve_edge(settings) as url, httpx.AsyncClient(base_url=url) as client:

        def send(subject: str, credential: str = "Bearer one") -> asyncio.Task[httpx.Response]:
            headers = {"authorization": credential}
            return asyncio.create_task(client.post("/v1/emails", json={"subject": subject}, headers=headers))

        sends = []
        for number in (1, 2):
            sends.append(send(f"in flight {number}"))
            await until(lambda number=number: len(emails.batches) == number)
        waiting = [send("waiting 1"), send("waiting 2")]
        await until(lambda: any(task.done() for task in waiting))
        sends.append(send("other", "Bearer other"))
        await until(lambda: len(emails.batches) == 3)
        emails.gate.set()
        assert sorted([(await task).status_code for task in waiting]) == [200, 503]
        assert [(await task).status_code for task in sends] == [200, 200, 200]


async def test_the_description_is_valid_openapi(client: httpx.AsyncClient) -> None:
    document = (await client.get("/v1/openapi.json")).json()
    validate(document)
    assert document["openapi"] == "3.1.0"
    assert document["paths"]["/v1/emails"]["post"]["summary"]
