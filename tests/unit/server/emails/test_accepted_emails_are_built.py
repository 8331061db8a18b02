"""Accept is the last word: each email that it takes is built, signed and stored (C-55), as a property of
what the servicer itself reads from a request."""

import base64
from encodings.aliases import aliases
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from zidimail.v1 import email_service_pb2 as pb

from server.delivery.prepare import letter
from server.delivery.stored import EmailRow, PartRow
from server.emails.draft import Draft
from server.emails.judging import judged
from server.encoded_words import decoded
from server.faults import Fault, Internal
from server.message.encoding import address_text
from server.message.sign import SigningKey, Validity
from server.wire.caller import KeyCaller
from server.wire.status import status_of
from tests.unit.server.emails.test_accepted_emails_compose import file, headers, mailboxes, value

CALLER = KeyCaller("org", "key", "full")
NOW_MS = 1_800_000_000_000
# Half a character, which UTF-7 can write and no text can hold.
HALF = "=?utf-7?q?+2AA-?="

charsets = st.sampled_from([*sorted({*aliases.values()}), "utf-8", "unicode/escape", "x-unknown", "ü"])
octets = st.one_of(st.binary(max_size=24), st.sampled_from([b"+2AA-", b"\\ud800", b"\x00", b"\r\nBcc: a@b"]))
words = st.one_of(
    st.builds("=?{}?b?{}?=".format, charsets, octets.map(lambda raw: base64.b64encode(raw).decode())),
    st.builds(
        "=?{}?q?{}?=".format, charsets, octets.map(lambda raw: "".join(f"={byte:02X}" for byte in raw))
    ),
    st.sampled_from([HALF, "=?utf-8?b?a?=", "=?", "=?a?q?x ", "?="]),
)
texts = st.lists(st.one_of(words, value), max_size=4).map(" ".join)
addresses = st.one_of(
    mailboxes, st.builds("{} <{}@b.test>".format, texts, st.sampled_from(["a", "ü", "a b"]))
)
names = st.sampled_from(
    ["X-A", "List-Id", "List-Unsubscribe", "Sender", "Reply-To", "References", "Message-ID", "List-Post"]
)
fields = st.one_of(
    st.fixed_dictionaries({"headers": st.one_of(headers, st.dictionaries(names, texts, max_size=4))}),
    st.fixed_dictionaries({"subject": texts}),
    st.fixed_dictionaries({"to": st.lists(addresses, min_size=1, max_size=4)}),
    st.fixed_dictionaries(
        {"cc": st.lists(addresses, max_size=4), "reply_to": st.lists(addresses, max_size=4)}
    ),
    st.fixed_dictionaries({"from": addresses}),
    st.fixed_dictionaries(
        {
            "attachments": st.lists(
                st.one_of(
                    file.map(lambda it: (it.filename, it.content_type, it.content_id)),
                    st.tuples(texts, st.just(""), texts),
                ),
                max_size=3,
            )
        }
    ),
)


KEYS = [SigningKey("sender.test", "s", Ed25519PrivateKey.generate())]
VALIDITY = Validity(86_400, NOW_MS // 1000)


def request_of(given_fields: dict[str, Any]) -> pb.SendEmailRequest:
    """A request with these fields instead of its own."""
    files = [
        pb.NewAttachment(filename=name, content_type=kind, content_id=id, content=b"abc")
        for name, kind, id in given_fields.get("attachments", ())
    ]
    whole = {"from": "a@sender.test", "to": ["b@receiver.test"], "subject": "s", "text": "t"}
    return pb.SendEmailRequest(**{**whole, **given_fields, "attachments": files})


def email_row(accepted: Draft) -> EmailRow:
    """The email as delivery reads it from the store."""
    row, content = accepted.email, accepted.content
    same = ("org_id", "id", "sender", "subject", "to", "cc", "reply_to", "message_id")
    bodies = {
        name: content[name] for name in ("html", "text", "headers", "raw_head", "raw_size", "mail_from")
    }
    return EmailRow(
        **{name: row[name] for name in same}, **bodies, domain_id="d", begins_at=row["created_at"]
    )


def part_rows(accepted: Draft) -> list[PartRow]:
    """The attachments as delivery reads them from the store."""
    contents = {part["no"]: bytes(part["content"]) for part in accepted.parts}
    return [
        PartRow(
            **{name: row[name] for name in PartRow._fields if name != "content"}, content=contents[row["no"]]
        )
        for row in accepted.attachments
    ]


@given(fields)
@example({"subject": HALF})
@example({"headers": {"X-A": HALF}})
@example({"to": [f"{HALF} <a@b.test>"]})
@example({"headers": {"List-Id": f"{HALF} <a.b.test>"}})
@example({"headers": {"X-A": "=?unicode/escape?q?=5Cud800?="}})
@example({"headers": {"X-A": "=?utf-8?b?a?="}})
@example({"headers": {"List-Unsubscribe": f"<https://x.test/{'ü' * 400}>"}})
@settings(max_examples=250, deadline=None)
def test_every_accepted_email_is_built_signed_and_stored(given_fields: dict[str, Any]) -> None:
    accepted = judged(request_of(given_fields), CALLER, NOW_MS)
    assert not isinstance(accepted, Internal)
    assume(isinstance(accepted, Draft))
    assert isinstance(accepted, Draft)
    for row in (
        accepted.email,
        accepted.content,
        *accepted.recipients,
        *accepted.tags,
        *accepted.attachments,
    ):
        for text in row.values():
            assert not isinstance(text, str) or b"\0" not in text.encode()
    built = letter(email_row(accepted), part_rows(accepted), KEYS, VALIDITY)
    assert built.head_size <= len(built.content)
    assert max(map(len, built.content.split(b"\r\n"))) <= 998
    for recipient in accepted.recipients:
        assert address_text(recipient["address"])


@given(fields)
@settings(max_examples=100, deadline=None)
def test_every_refused_email_is_refused_with_a_text_that_can_be_sent(given_fields: dict[str, Any]) -> None:
    refused = judged(request_of(given_fields), CALLER, NOW_MS)
    assume(isinstance(refused, Fault))
    assert isinstance(refused, Fault)
    assert status_of(refused).message


@given(texts)
@settings(max_examples=300, deadline=None)
def test_decoded_text_is_text(text: str) -> None:
    assert decoded(text).encode().decode() == decoded(text)
