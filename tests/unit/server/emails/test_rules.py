"""The rules of an email (Z-13..Z-19, C-36..C-40)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.emails import rules


def _fields(violations: object) -> list[str]:
    return [violation.field for violation in violations]  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", ["x", "x" * 998, "Größe 📦"])
def test_a_subject_of_up_to_998_characters_is_accepted(text: str) -> None:
    assert not list(rules.subject(text))


@pytest.mark.parametrize("text", ["", "x" * 999, "a\nb", "a\rb", "a\x00b", "a\u2028b", "a\x0bb"])
def test_missing_long_or_multiline_subject_is_refused(text: str) -> None:
    assert _fields(rules.subject(text)) == ["subject"]


def test_subject_too_long_names_its_length_and_the_limit() -> None:
    (violation,) = rules.subject("x" * 1200)
    assert violation.description == "subject length (1200) exceeds maximum (998 characters)"


@pytest.mark.parametrize(("html", "text"), [("<p>", ""), ("", "hi"), ("<p>", "hi")])
def test_one_body_is_enough(html: str, text: str) -> None:
    assert not list(rules.bodies(html, text))


def test_two_empty_bodies_are_refused() -> None:
    assert _fields(rules.bodies("", "")) == ["html"]


def test_a_body_is_measured_in_bytes() -> None:
    assert not list(rules.bodies("", "x" * rules.MAX_BODY_BYTES))
    assert _fields(rules.bodies("", "ä" * (rules.MAX_BODY_BYTES // 2 + 1))) == ["text"]
    assert _fields(rules.bodies("x\x00", "")) == ["html"]


def test_fifty_recipients_are_accepted_and_fifty_one_are_not() -> None:
    assert not list(rules.counts(["a"] * 20, ["b"] * 20, ["c"] * 10, []))
    assert _fields(rules.counts(["a"] * 20, ["b"] * 20, ["c"] * 11, [])) == ["to"]
    assert _fields(rules.counts([], ["b"], [], [])) == ["to"]


@pytest.mark.parametrize(
    "name",
    [
        *(
            "From",
            "to",
            "CC",
            "Bcc",
            "Subject",
            "date",
            "MIME-Version",
            "Content-Type",
            "content-transfer-encoding",
        ),
        *(
            "DKIM-Signature",
            "Return-Path",
            "Received",
            "ARC-Seal",
            "Authentication-Results",
            "Resent-Bcc",
            "Idempotency-Key",
            "X-Idempotency-Key",
        ),
        *("", "X A", "X:A", "X\r\nBcc", "X-Ä", "x" * 200, "X\x00"),
    ],
)
def test_headers_of_the_platforms_own_and_impossible_names_are_refused(name: str) -> None:
    assert len(list(rules.headers({name: "x"}, has_reply_to=False))) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Message-ID", "<abc@example.com>"),
        ("In-Reply-To", "<abc@example.com>"),
        ("References", "<a@b.c> <d@e.f>"),
        ("List-Unsubscribe", "<https://example.com/u?t=1>, <mailto:u@example.com>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("X-Entity-Ref-ID", "42"),
        ("X-Text", "Größe"),
        ("X-Tab", "a\tb"),
        ("Reply-To", "a@b.c"),
    ],
)
def test_the_callers_own_headers_are_accepted(name: str, value: str) -> None:
    assert not list(rules.headers({name: value}, has_reply_to=False))


@pytest.mark.parametrize(
    "value",
    [
        *("a\r\nBcc: eve@x.y", "a\nb", "a\rb", "a\x00b", "a\u2029b", "a\x0cb"),
        "=?utf-8?q?a=0D=0ABcc:_eve@x.y?=",
        "=?utf-8?b?YQ0KQmNjOiBldmVAeC55?=",
        *("=?utf-8?b?a?=", "=?ü?q?a?=", "=?nonsense?q?a?=", "=?utf-8?q?=FF?="),
        "x" * 901,
        "x " * 4097,
    ],
)
def test_header_values_with_line_breaks_are_refused(value: str) -> None:
    assert len(list(rules.headers({"X-A": value}, has_reply_to=False))) == 1


def test_a_header_given_twice_is_refused() -> None:
    assert _fields(rules.headers({"X-A": "1", "x-a": "2"}, has_reply_to=False)) == ["headers.x-a"]
    assert _fields(rules.headers({"Reply-To": "a@b.c"}, has_reply_to=True)) == ["headers.Reply-To"]


def test_a_message_id_must_look_like_one() -> None:
    assert _fields(rules.headers({"message-id": "abc"}, has_reply_to=False)) == ["headers.message-id"]
    assert rules.message_id({"message-ID": " <a@b.c> "}, "0" * 24, "example.com") == "<a@b.c>"
    assert rules.message_id({}, "0" * 24, "example.com") == f"<{'0' * 24}@example.com>"


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=50), max_size=5), st.booleans())
def test_headers_that_pass_hold_no_line_break(given: dict[str, str], has_reply_to: bool) -> None:
    if not list(rules.headers(given, has_reply_to=has_reply_to)):
        assert not set("\r\n\x00") & set("".join([*given, *given.values()]))


def test_several_addresses_may_stand_in_one_entry_but_not_in_from() -> None:
    """C-54."""
    text = "a@x.example, Bob <b@x.example>"
    assert not list(rules.addresses("to", ["c@x.example", text]))
    assert [violation.field for violation in rules.sender(text)] == ["from"]


def test_a_wrong_address_among_several_is_named() -> None:
    (violation,) = rules.addresses("to", ["c@x.example", "a@x.example, nonsense"])
    assert violation.field == "to[1]"
    assert violation.description == '"nonsense" is not an address: it has no @'


def test_a_mailbox_named_twice_is_one_recipient_of_the_first_list() -> None:
    envelope = rules.envelope(["a@x.y", "Ann <A@X.y>"], ["b@x.y", "a@x.y"], ["b@x.y", "c@x.y"])
    assert [(kind, recipient.address) for kind, recipient in envelope.values()] == [
        ("to", "a@x.y"),
        ("cc", "b@x.y"),
        ("bcc", "c@x.y"),
    ]


@pytest.mark.parametrize(
    ("key", "valid"), [("a", True), ("a" * 256, True), ("", False), ("a" * 257, False), ("ä", False)]
)
def test_idempotency_keys_have_1_to_256_printable_characters(key: str, valid: bool) -> None:
    assert rules.is_idempotency_key(key) is valid
