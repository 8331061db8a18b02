"""Broken, hostile and mutated messages: each is read or refused, and what is sent on hides nothing."""

from email import message_from_bytes, policy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zidimail.v1 import email_service_pb2 as pb

from server.emails.draft import Draft
from server.emails.raw_draft import Arrival, raw_draft
from server.faults import Fault
from server.ids import new_id
from server.message.raw_letter import downgraded_head, head_of
from server.message.received import Trace
from server.wire.caller import KeyCaller
from tests.harness.clock import START_MS
from tests.harness.finished_messages import CONTENTS, body_of, message

CALLER = KeyCaller(new_id(), new_id(), "full")
NOWHERE = Arrival("host.test", Trace("a\r\nBcc: e@x.test", "x", "E(S)MTP"), START_MS)
REMOVED = ("bcc", "return-path", "dkim-signature", "x-zidimail-tag", "idempotency-key")
SENDER = "Shop <shop@sender.test>"

# The pieces at which programs and attackers break messages.
PIECES = [
    *(b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\r\n.\r\n", b"\0", b" ", b"\t", b":", b";", b'"', b"(", b")"),
    *(b"<", b">", b",", b"--", b"--=_b", b"--=_b--", b"\r\n--=_b\r\n", b"=?", b"?=", b"=", b"\xff"),
    *("ü".encode(), b"charset=idna"),
    *(b"From: eve@other.test\r\n", b"Bcc: eve@other.test\r\n", b"\r\nBcc: eve@other.test", b"Content-Type: "),
    *(b"multipart/mixed; boundary=", b"boundary=\"=_b\"", b"text/html", b"message/rfc822\r\n\r\n"),
    *(b"Content-Transfer-Encoding: base64\r\n", b"charset=utf-7", b"charset=hex", b"filename*0*=utf-8''%"),
    *(b"=?utf-8?q?=0D=0A?=", b"=?utf-7?b?2ADcAA==?=", b"Return-Path: <e@x>\r\n", b"X-ZidiMail-Tag: a=b\r\n"),
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A message of the corpus with pieces put in, and parts cut out, at random places."""
    whole = bytearray(message(CONTENTS[draw(st.sampled_from(sorted(CONTENTS)))], SENDER))
    del whole[3000:]
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(whole)))
        if draw(st.booleans()):
            whole[at:at] = draw(st.sampled_from(PIECES)) * draw(st.sampled_from([1, 1, 1, 40]))
        else:
            del whole[at : at + draw(st.integers(1, 60))]
    return bytes(whole)


def drafted(content: bytes) -> Draft | Fault:
    return raw_draft(pb.SendRawEmailRequest(content=content), CALLER, NOWHERE)


@settings(max_examples=1500, deadline=None)
@given(st.one_of(mutated(), st.binary(max_size=400)))
def test_a_broken_message_is_read_or_refused(content: bytes) -> None:
    """The body stays as it came, and others read the header as we do."""
    made = drafted(content)
    if isinstance(made, Fault):
        assert made.code == "INVALID_ARGUMENT"
        return
    head = made.content["raw_head"]
    body = b"".join(bytes(part["content"]) for part in made.parts)
    came = content if b"\r" in content else content.replace(b"\n", b"\r\n")
    assert body in (body_of(came), body_of(came) + b"\r\n")
    assert len(body) == made.content["raw_size"]
    lines = head_of(head, START_MS)
    assert b"".join(lines).startswith(head)
    read = message_from_bytes(b"".join((*lines, b"\r\n", body)), policy=policy.compat32)
    names = [name.lower() for name in read.keys()]  # noqa: SIM118  a message is no mapping
    assert len(names) == len(lines)
    assert not {*REMOVED} & {*names}
    for name in ("from", "date", "message-id"):
        assert names.count(name) == 1
    assert made.domain in ("sender.test", *(made.email["sender"].rpartition("@")[2].strip(">"),))
    assert all(line.isascii() for line in downgraded_head(lines))


HOSTILE = {
    "one line": b"x" * 8_000_000,
    "boundary lookalikes": b"\r\n--a" * 2_000_000,
    "boundary within lines": b"--ax" * 2_000_000,
    "blanks after boundaries": b"\r\n--a" + b" " * 8_000_000,
    "line breaks": b"\r\n" * 4_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_messages_come_to_an_end(name: str) -> None:
    """A look at them that takes more than linear time would take hours."""
    head = b'Content-Type: multipart/mixed; boundary="a"\r\n\r\n'
    made = drafted(message(head + HOSTILE[name], SENDER))
    assert isinstance(made, Draft) == (name in ("one line", "blanks after boundaries", "line breaks"))
