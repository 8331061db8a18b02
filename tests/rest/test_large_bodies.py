"""Large bodies: limits count what a file holds, and whoever sends too much hears so (contract row C-1)."""

import gzip
import http.client
import json
import random
from base64 import b64encode, encodebytes, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import pytest

from tests.harness.stack import Stack
from tests.rest.test_attachments import arrived
from tests.rest.test_emails import EMAIL

MIB = 2**20
SIZE = 17 * MIB


@pytest.fixture(scope="module")
def scale(api_of: Callable[[str], httpx.Client]) -> httpx.Client:
    api = api_of("scale")
    api.timeout = httpx.Timeout(120)
    return api


def _spelled(octet: int, size: int, comma: str = ",") -> str:
    """A file of one octet, again and again, as a list of numbers."""
    return f"[{f'{octet}{comma}' * (size - 1)}{octet}]"


@pytest.mark.parametrize("spelling", ["list", "buffer", "blanks"])
def test_file_counts_by_its_bytes_however_it_is_spelled(scale: httpx.Client, spelling: str) -> None:
    # Three digits each, the longest spelling.
    content = _spelled(200, SIZE, ", " if spelling == "blanks" else ",")
    if spelling == "buffer":
        content = f'{{"type":"Buffer","data":{content}}}'
    email = json.dumps(
        {**EMAIL, "from": "a@scale.example.com", "attachments": [{"filename": "a.bin", "content": "@"}]}
    )
    body = email.replace('"@"', content).encode()
    assert len(body) > 64 * MIB
    answer = scale.post("/v1/emails", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 200, answer.text
    [file] = scale.get(f"/v1/emails/{answer.json()['id']}/attachments").json()["data"]
    assert file["size"] == SIZE


@pytest.mark.parametrize("spelling", ["one line", "lines", "other alphabet", "packed"])
def test_large_file_arrives_as_it_was_however_its_base64_is_spelled(
    rest: Stack, scale: httpx.Client, spelling: str
) -> None:
    file = random.Random(spelling).randbytes(3 * MIB + 1)
    texts = {"lines": encodebytes(file), "other alphabet": urlsafe_b64encode(file).rstrip(b"=")}
    content = texts.get(spelling, b64encode(file)).decode()
    body = json.dumps(
        {**EMAIL, "from": "a@scale.example.com", "attachments": [{"filename": "a.bin", "content": content}]}
    ).encode()
    headers = {"content-type": "application/json"}
    if spelling == "packed":
        body, headers = gzip.compress(body, 1), headers | {"content-encoding": "gzip"}
    answer = scale.post("/v1/emails", content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    [attached] = arrived(rest, answer.json()["id"]).iter_attachments()
    # Compared without a difference of megabytes.
    assert attached.get_content() == file, "another file"


def test_large_content_that_is_no_base64_is_named(scale: httpx.Client) -> None:
    files = [{"filename": name, "content": "QUJD" * MIB + end} for name, end in (("a", ""), ("b", "!"))]
    answer = scale.post("/v1/emails", json={**EMAIL, "from": "a@scale.example.com", "attachments": files})
    assert answer.status_code == 422, answer.text
    assert answer.json()["message"] == "attachments[1].content: must be base64"


def test_file_that_is_too_large_is_so_however_it_is_spelled(scale: httpx.Client) -> None:
    for content in (_spelled(7, 43 * MIB), json.dumps(b64encode(b"\x07" * (43 * MIB)).decode())):
        email = json.dumps(
            {**EMAIL, "from": "a@scale.example.com", "attachments": [{"filename": "a", "content": "@"}]}
        )
        answer = scale.post("/v1/emails", content=email.replace('"@"', content).encode())
        assert answer.status_code == 413, answer.text


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/v1/emails", {"authorization": "Bearer zm_live_wrong"}, 401),
        ("/v1/emails", {}, 400),
        ("/v1/emails/batch", {}, 413),
        ("/v1/emails", {"content-type": "text/plain"}, 415),
        ("/v1/nothing", {}, 404),
        ("/v1/domains", {}, 413),
    ],
)
@pytest.mark.parametrize("chunked", [False, True])
def test_refusal_is_read_after_the_whole_body_was_sent(
    rest: Stack, path: str, headers: dict[str, str], status: int, chunked: bool
) -> None:
    """As most HTTP clients do, which look for an answer when they have sent everything."""
    to = urlsplit(rest.http)
    sent = {"authorization": f"Bearer {rest.api_key}", "content-type": "application/json", **headers}
    connection = http.client.HTTPConnection(str(to.hostname), to.port, timeout=60)
    parts = (b" " * MIB for _ in range(40))
    if not chunked:
        sent["content-length"] = str(40 * MIB)
    connection.request("POST", path, body=parts, headers=sent, encode_chunked=chunked)
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("content-type")) == (status, "application/json")
    assert json.loads(answer.read())["message"]
    connection.close()
