"""Finished messages over REST: the body is the message, the query its envelope (F-12, C-64)."""

import gzip
import random
from base64 import encodebytes
from collections.abc import Callable

import httpx

from tests.harness.finished_messages import CONTENTS, PDF, TEXT, body_of, message, multipart
from tests.harness.stack import Stack
from tests.rest.golden import Golden
from tests.rest.test_emails import delivered

MESSAGE = {"content-type": "message/rfc822"}
SENDER = "Shop <hello@mail.example.com>"
MIB = 2**20


def send(api: httpx.Client, content: bytes, **query: str | list[str]) -> httpx.Response:
    """The answer to a message with this envelope."""
    return api.post("/v1/emails/raw", content=content, headers=MESSAGE, params=query)


def test_a_message_is_sent_and_a_repeated_one_is_not(api: httpx.Client, golden: Golden) -> None:
    """F-12 and F-1: its header says to whom."""
    content = message(TEXT, SENDER, "Idempotency-Key: raw-1", to="ada@example.org")
    golden.check("emails/send-raw", send(api, content))
    golden.check("emails/send-raw-again", send(api, content))


def test_a_message_is_shown_as_any_other_email(api: httpx.Client, golden: Golden) -> None:
    """F-12, Z-28: its subject, addresses, texts, own headers, tags and files."""
    content = message(
        multipart("mixed", CONTENTS["alternative"], PDF, boundary="outer"),
        SENDER,
        "Cc: Bob <bob@example.org>",
        "Reply-To: help@mail.example.com",
        "X-Order: 4711",
        "X-ZidiMail-Tag: kind=receipt",
        to="ada@example.org",
    )
    # A blind copy: the message does not name this recipient.
    id = send(api, content, recipients=["hidden@example.org"]).json()["id"]
    golden.check("emails/get-raw", delivered(api, id))
    golden.check("emails/attachments-raw", api.get(f"/v1/emails/{id}/attachments"))
    for query in ({"tag": "kind:receipt"}, {"search": "hidden@"}, {"subject": "Your order"}):
        assert id in [found["id"] for found in api.get("/v1/emails", params=query).json()["data"]]


def test_the_message_arrives_with_its_own_body(rest: Stack, api: httpx.Client) -> None:
    """F-12, C-1: packed or not, at once or by parts."""
    content = message(CONTENTS["smime"], SENDER, "Bcc: hidden@example.org", to="ada@example.org")

    def parts() -> list[bytes]:
        return [content[start : start + 100] for start in range(0, len(content), 100)]

    packed = {**MESSAGE, "content-encoding": "gzip"}
    for answer in (
        send(api, content),
        api.post("/v1/emails/raw", content=iter(parts()), headers=MESSAGE),
        api.post("/v1/emails/raw", content=gzip.compress(content), headers=packed),
        api.post("/v1/emails/raw", content=content.replace(b"\r\n", b"\n"), headers=MESSAGE),
    ):
        assert answer.status_code == 200, answer.text
        id = answer.json()["id"]
        delivered(api, id)
        arrived = [(rest.captured / f"{id}.{no}.eml").read_bytes() for no in (1, 2)]
        assert [body_of(raw) for raw in arrived] == [body_of(content)] * 2
        assert not any(b"hidden" in raw for raw in arrived)


def test_a_large_message_is_sent(rest: Stack, api_of: Callable[[str], httpx.Client]) -> None:
    """C-64, Z-21: as large as the plan's attachments, within its limit."""
    api = api_of("scale")
    api.timeout = httpx.Timeout(120)
    file = random.Random(1).randbytes(40 * MIB)
    part = PDF.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + encodebytes(file).replace(b"\n", b"\r\n")
    content = message(multipart("mixed", TEXT, part), "a@scale.example.com", to="ada@example.org")
    answer = send(api, content)
    assert answer.status_code == 200, answer.text
    [shown] = api.get(f"/v1/emails/{answer.json()['id']}/attachments").json()["data"]
    assert shown["size"] == len(file)
    delivered(api, answer.json()["id"])
    arrived = (rest.captured / f"{answer.json()['id']}.1.eml").read_bytes()
    assert body_of(arrived) == body_of(content)


def test_a_message_beyond_the_plan_is_refused(api_of: Callable[[str], httpx.Client], golden: Golden) -> None:
    """C-64, Z-21, Z-8: by its bytes, or by those of its files."""
    api = api_of("free")
    file = b"Content-Disposition: attachment; filename=a.bin\r\n\r\n" + b"x" * 998 + b"\r\n"
    whole = message(multipart("mixed", TEXT, file * 5300), "a@free.example.com", to="ada@example.org")
    golden.check("errors/raw-attachments-too-large", send(api, whole))
    golden.check("errors/raw-too-large", send(api, message(TEXT * 150_000, "a@free.example.com")))


def test_answer_says_each_mistake_of_a_message(api: httpx.Client, golden: Golden) -> None:
    """C-36, C-40, C-54, C-62, F-12."""
    wrong = message(
        TEXT, "root", "Message-ID: <a@b.test>", "Message-ID: <c@d.test>", "Cc: root", to="x@y.test"
    )
    golden.check("errors/raw-wrong", send(api, wrong))
    golden.check("errors/raw-empty", send(api, b""))
    content = message(TEXT, SENDER, to="ada@example.org")
    golden.check("errors/raw-parameter", send(api, content, recipient="ada@example.org"))
    golden.check("errors/raw-envelope", send(api, content, mail_from="Shop <a@b.test>", recipients=["root"]))
    answer = api.post("/v1/emails/raw", content=content, headers={"content-type": "text/plain"})
    golden.check("errors/raw-media-type", answer)


def test_the_domains_of_both_senders_must_be_verified(api: httpx.Client, golden: Golden) -> None:
    """Z-12, C-31."""
    golden.check("errors/raw-unverified", send(api, message(TEXT, "a@nowhere.example", to="ada@example.org")))
    answer = send(api, message(TEXT, SENDER, to="ada@example.org"), mail_from="a@nowhere.example")
    golden.check_same("errors/raw-unverified", answer)
