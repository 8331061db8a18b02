"""Finished messages: what is read of them, what is sent on, and what is refused (F-12, C-36, C-54, C-55)."""

import base64
import json
from email import message_from_bytes, policy
from typing import Any

import pytest
from zidimail.v1 import email_service_pb2 as pb

from server.emails.draft import Draft
from server.emails.faults import InvalidIdempotencyKey
from server.emails.raw_draft import Arrival, raw_draft
from server.faults import Fault, ValidationFailed
from server.ids import new_id
from server.message.received import Trace
from server.wire.caller import KeyCaller
from tests.harness.clock import START_MS
from tests.harness.finished_messages import CONTENTS, TEXT, message, multipart

CALLER = KeyCaller(new_id(), new_id(), "full")
SENDER = "Shop <shop@sender.test>"
NOWHERE = Arrival("host.test", Trace(), START_MS)


def drafted(content: bytes, **fields: Any) -> Draft | Fault:
    return raw_draft(pb.SendRawEmailRequest(content=content, **fields), CALLER, NOWHERE)


def accepted(content: bytes, **fields: Any) -> Draft:
    made = drafted(content, **fields)
    assert isinstance(made, Draft), made.violations
    return made


def refused(content: bytes, **fields: Any) -> dict[str, str]:
    """The violations of a message by their fields."""
    fault = drafted(content, **fields)
    assert isinstance(fault, ValidationFailed), fault
    return {violation.field: violation.description for violation in fault.violations}


def head_of(made: Draft) -> list[str]:
    """The fields that are sent on, but for the first one, which is Received."""
    first, *lines = made.content["raw_head"].decode().replace("\r\n ", " ").splitlines()
    assert first.startswith("Received: by host.test id ")
    return lines


def body_of(made: Draft) -> bytes:
    return b"".join(bytes(part["content"]) for part in made.parts)


def test_shown_fields_are_those_of_the_message() -> None:
    content = message(
        multipart("mixed", CONTENTS["alternative"], CONTENTS["forwarded"].partition(b"\r\n--fwd--")[0]),
        SENDER,
        "Cc: =?utf-8?q?Gr=C3=B6=C3=9Fe?= <cc@receiver.test>",
        "Reply-To: help@sender.test",
        "X-Order: 4711",
        "X-ZidiMail-Tag: kind=receipt",
        "X-ZidiMail-Metadata: order=4711",
        "Message-ID: <own@sender.test>",
    )
    made = accepted(content)
    row = made.email
    assert row["sender"] == SENDER
    assert json.loads(row["to"]) == ["ada@receiver.test"]
    assert json.loads(row["cc"]) == ["Größe <cc@receiver.test>"]
    assert json.loads(row["reply_to"]) == ["help@sender.test"]
    assert (row["subject"], row["message_id"]) == ("Your order", "<own@sender.test>")
    assert json.loads(row["tags"]) == [["kind", "receipt"], ["order", "4711"]]
    assert json.loads(made.content["headers"]) == {"X-Order": "4711"}
    assert made.content["text"] == "Hello Ada,\nyour order is here.\n"
    assert made.content["html"] == '<p>Hello <b>Ada</b></p><img src="cid:logo">\n'
    assert [(row["kind"], row["address"]) for row in made.recipients] == [
        ("to", "ada@receiver.test"),
        ("cc", "cc@receiver.test"),
    ]
    files = [(file["filename"], file["content_type"], file["content_id"]) for file in made.attachments]
    assert files == [("logo.png", "image/png", "logo"), ("message.eml", "message/rfc822", "")]


def test_files_are_counted_in_decoded_bytes() -> None:
    """Z-21."""
    made = accepted(message(CONTENTS["mixed"], SENDER))
    [file] = made.attachments
    assert (file["filename"], file["size"], made.attachments_size) == ("Résumé.pdf", 2048, 2048)
    # C-88: while it waits, all its bytes count once.
    assert made.size == len(made.content["raw_head"]) + len(body_of(made))


@pytest.mark.parametrize(
    "line",
    [
        "Bcc: hidden@receiver.test",
        "Resent-Bcc: hidden@receiver.test",
        "DKIM-Signature: v=1; d=sender.test; b=x",
        "Return-Path: <eve@other.test>",
        "Authentication-Results: host.test; dkim=pass",
        "ARC-Seal: i=1",
        "Delivered-To: eve@other.test",
        "Idempotency-Key: k",
        "X-ZidiMail-Tag: a=b",
        "X-ZidiMail-Metadata: a=b",
        "X-ZidiMail-Scheduled-At: in 1 hour",
    ],
)
def test_a_field_of_the_platform_or_of_systems_beyond_is_removed(line: str) -> None:
    """C-36; DELIVERY 1.21, 1.22."""
    made = accepted(message(TEXT, SENDER, line, f"x-FOLDED:{'x' * 50}\r\n {line}"))
    name = line.partition(":")[0]
    assert not [sent for sent in head_of(made) if sent.lower().startswith(f"{name}:".lower())]
    assert any(sent.startswith("x-FOLDED:") for sent in head_of(made))


def test_a_field_in_ascii_is_sent_on_octet_for_octet() -> None:
    odd = (
        "X-Odd:  two  blanks\r\n\tand a fold\r\nList-Id: A list <a.sender.test>\r\nReceived: from x by y; now"
    )
    made = accepted(message(TEXT, SENDER, odd))
    assert odd.encode() + b"\r\n" in made.content["raw_head"]


def test_text_beyond_ascii_in_the_header_is_encoded() -> None:
    """C-54: the names of mailboxes and free text."""
    made = accepted(
        message(TEXT, "Größe <shop@sender.test>", "X-Note: Grüße").replace(b"Your", "Für".encode())
    )
    assert made.content["raw_head"].isascii()
    assert made.email["subject"] == "Für order"
    sent = message_from_bytes(made.content["raw_head"], policy=policy.default)
    assert (sent["X-Note"], sent["Subject"], sent["From"]) == (
        "Grüße",
        "Für order",
        "Größe <shop@sender.test>",
    )


def test_the_envelope_decides_who_gets_it() -> None:
    made = accepted(
        message(TEXT, SENDER, "Cc: cc@receiver.test, root", "Bcc: never@receiver.test"),
        mail_from="bounces@other.test",
        recipients=["CC@receiver.test", "eve@receiver.test", "eve@receiver.test"],
    )
    assert [(row["kind"], row["address"]) for row in made.recipients] == [
        ("cc", "CC@receiver.test"),
        ("bcc", "eve@receiver.test"),
    ]
    assert json.loads(made.email["cc"]) == ["cc@receiver.test", "root"]
    assert json.loads(made.email["bcc"]) == ["eve@receiver.test"]
    assert (made.domain, made.envelope_domain) == ("sender.test", "other.test")
    assert made.content["mail_from"] == "bounces@other.test"


def test_a_message_with_lf_line_ends_becomes_one_with_crlf() -> None:
    content = message(CONTENTS["mixed"], SENDER)
    assert body_of(accepted(content.replace(b"\r\n", b"\n"))) == body_of(accepted(content))


def test_comments_and_groups_are_read() -> None:
    """RFC 5322 section 3.4, as cron and mailing lists write them."""
    made = accepted(
        message(
            TEXT,
            "root@sender.test (Cron (the) Daemon)",
            to="Friends: ada@receiver.test, Bob <bob@receiver.test>;, (none)\r\nCc: undisclosed-recipients:;",
        )
    )
    assert made.email["sender"] == '"Cron (the) Daemon" <root@sender.test>'
    assert json.loads(made.email["to"]) == ["ada@receiver.test", "Bob <bob@receiver.test>"]
    assert json.loads(made.email["cc"]) == []


def test_several_authors_need_a_sender() -> None:
    """RFC 5322 section 3.6.2."""
    both = "ada@sender.test, bob@sender.test"
    assert accepted(message(TEXT, both, "Sender: bob@sender.test")).email["sender"] == "ada@sender.test"
    assert "Sender" in refused(message(TEXT, both))["from"]
    assert "domains" in refused(message(TEXT, "ada@sender.test, bob@other.test", "Sender: x@y.test"))["from"]


TWICE = "Message-ID: <a@b.test>\r\nMessage-ID: <a@b.test>"
BAD_HEADERS = {
    "duplicate From": ("From: eve@other.test", "from", "is given twice"),
    "duplicate Subject": ("Subject: again", "subject", "is given twice"),
    "duplicate Message-ID": (TWICE, "headers.Message-ID", "is given twice"),
    "duplicate Content-Type": ("Content-Type: text/html", "headers.Content-Type", "is given twice"),
    "a Message-ID that is none": ("Message-ID: none", "headers.Message-ID", "<local@domain>"),
    "a Date that is none": ("Date: soon", "headers.Date", "is no date"),
    "a bad List-Unsubscribe": ("List-Unsubscribe: <javascript>", "headers.List-Unsubscribe", "no URL"),
    "a hidden line break": ("X-A: =?utf-8?q?a=0D=0ABcc:_e@x.test?=", "headers.X-A", "hides control"),
    "a hidden line break in a name": ("Reply-To: =?utf-8?q?a=0D=0Ab?= <a@b.test>", "reply_to[0]", "control"),
    "one behind a colon": ("Cc: =?utf-8?q?a=0D=0ABcc:_b?= <a@b.test>", "cc[0]", "control"),
    "a time that is nothing": ("X-ZidiMail-Scheduled-At: ", "scheduled_at", "is not understood"),
    "two names of it": ("Idempotency-Key: a\r\nX-Idempotency-Key: a", "headers.X-Idempotency-Key", "twice"),
    "a control character": ("X-A: a\x07b", "headers.X-A", "control characters"),
    "no field": ("no field", "content", "that is no field: 'no field'"),
    "a blank in a name": ("X A: b", "content", "is no field"),
    "a line of blanks": ("X-A: b\r\n \t", "content", "blanks alone"),
    "a long line": (f"X-A: {'b' * 1000}", "content", "more than 998 octets"),
    "bytes of no charset": ("X-A: \udcff", "content", "is not UTF-8: X-A"),
    "an unknown instruction": ("X-ZidiMail-Tags: a=b", "headers.X-ZidiMail-Tags", "is no instruction"),
    "a time that is none": ("X-ZidiMail-Scheduled-At: some day", "scheduled_at", "is not understood"),
    "a tag without a name": ("X-ZidiMail-Tag: =b", "tags[0].name", "1 to 256"),
    "a recipient that is none": ("Cc: root", "cc[0]", "no @"),
    "a Reply-To that is none": ("Reply-To: root", "reply_to[0]", "no @"),
    "a loop": ("Received: by x; now\r\n" * 51 + "X-A: b", "content", "loop"),
    "a huge header": ("\r\n".join(f"X-{no}: {'x' * 900}" for no in range(120)), "content", "102400 bytes"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_HEADERS)
def test_a_wrong_header_is_refused(name: str) -> None:
    """C-36, C-54, C-55: by the rules of every interface."""
    line, field, problem = BAD_HEADERS[name]
    content = message(TEXT, SENDER, "MARK").replace(b"MARK", line.encode("utf-8", "surrogateescape"))
    assert problem in refused(content)[field]


WORD = b"=?utf-8?b?%b?=" % base64.b64encode(b"x" * 700)
LONG_SUBJECT = message(TEXT, SENDER).replace(b"Your order", WORD + b"\r\n " + WORD)
BAD_MESSAGES = {
    "nothing": (b"", "content", "is required"),
    "a bare LF": (message(TEXT, SENDER) + b"a\nb\r\n", "content", "bare CR or LF"),
    "a bare CR": (message(TEXT, SENDER) + b"a\rb\r\n", "content", "bare CR or LF"),
    "a smuggled end": (message(TEXT, SENDER) + b"a\n.\r\nMAIL FROM:<>\r\n", "content", "bare CR or LF"),
    "NUL": (message(TEXT, SENDER) + b"a\0b\r\n", "content", "NUL"),
    "no header": (b"\r\nhello\r\n", "from", "is required"),
    "an empty From": (b"From: \r\nTo: a@b.test\r\n\r\n", "from", "is required"),
    "a From that is none": (b"From: root\r\nTo: a@b.test\r\n\r\n", "from", "no @"),
    "no recipient": (b"From: a@sender.test\r\n\r\n", "to", "is required"),
    "a continued nothing": (b" x\r\nFrom: a@sender.test\r\n\r\n", "content", "continues"),
    "11 files": (message(multipart("mixed", *[CONTENTS["mixed"]] * 11), SENDER), "attachments", "holds 11"),
    "1001 parts": (message(multipart("mixed", *[TEXT] * 1001), SENDER), "content", "1000 parts"),
    "a long text": (message(b"\r\n" + b"x" * (5 * 2**20 + 1), SENDER), "text", "longer than 5242880"),
    "a long subject": (LONG_SUBJECT, "subject", "subject length (1400) exceeds"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_MESSAGES)
def test_a_wrong_message_is_refused(name: str) -> None:
    content, field, problem = BAD_MESSAGES[name]
    assert problem in refused(content)[field]


def nested(levels: int) -> bytes:
    part = TEXT
    for level in range(levels):
        part = multipart("mixed", part, boundary=f"b{level:03}")
    return part


def test_parts_within_parts_are_read_to_20_levels() -> None:
    assert accepted(message(nested(20), SENDER)).content["text"] == "Hello Ada,\nyour order is here.\n"
    assert "20 levels" in refused(message(nested(100), SENDER))["content"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("mail_from", "Shop <a@b.test>"), ("mail_from", "root"), ("recipients", ["a@b.test", "a@b test"])],
)
def test_a_wrong_envelope_is_refused(field: str, value: Any) -> None:
    assert field in str(refused(message(TEXT, SENDER), **{field: value}))


def test_too_many_recipients_are_refused() -> None:
    """C-40."""
    to = [f"{no}@receiver.test" for no in range(51)]
    assert "at most 50" in refused(message(TEXT, SENDER), recipients=to)["recipients"]
    assert (
        "at most 50"
        in refused(message(TEXT, SENDER, to=", ".join(to[:30]) + ",\r\n " + ", ".join(to[30:])))["to"]
    )


def test_fields_of_the_request_win_over_those_of_the_header() -> None:
    content = message(TEXT, SENDER, "Idempotency-Key: inner", "X-ZidiMail-Scheduled-At: tomorrow at 9am")
    made = accepted(content, idempotency_key="outer", scheduled_at_text="in 1 hour")
    assert made.idempotency_key is not None
    assert made.idempotency_key.key == "outer"
    assert made.scheduled_at == START_MS + 3_600_000
    inner = accepted(content.replace(b"tomorrow at 9am", b"2030-01-01T00:00:00Z"))
    assert inner.idempotency_key is not None
    assert inner.idempotency_key.key == "inner"
    assert isinstance(drafted(message(TEXT, SENDER, "Idempotency-Key: ä")), InvalidIdempotencyKey)


def test_the_payload_of_a_key_is_the_message_with_its_envelope() -> None:
    """F-1: the way on which it came is not part of it."""
    content = message(TEXT, SENDER)
    first = accepted(content, idempotency_key="k", trace=pb.Trace(helo="a"))
    assert accepted(content, idempotency_key="k", trace=pb.Trace(helo="b")).request_hash == first.request_hash
    for other in (
        drafted(content + b"x", idempotency_key="k"),
        drafted(content, idempotency_key="k", recipients=["eve@receiver.test"]),
        drafted(content, idempotency_key="k", mail_from="a@sender.test"),
    ):
        assert isinstance(other, Draft)
        assert other.request_hash != first.request_hash
