"""Mailboxes as callers write them (C-37, C-39)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.addresses import Mailbox, NotAMailbox, holds_several, mailbox


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ada@example.com", Mailbox("", "ada", "example.com")),
        ("  ada@Example.COM ", Mailbox("", "ada", "example.com")),
        ("<ada@example.com>", Mailbox("", "ada", "example.com")),
        ("Ada Lovelace <ada@example.com>", Mailbox("Ada Lovelace", "ada", "example.com")),
        ('"Lovelace, Ada" <ada@example.com>', Mailbox("Lovelace, Ada", "ada", "example.com")),
        (r'"Ada \"Countess\" L" <ada@example.com>', Mailbox('Ada "Countess" L', "ada", "example.com")),
        ("Größe <you@d.com>", Mailbox("Größe", "you", "d.com")),
        ("ada@example.com <ada@example.com>", Mailbox("ada@example.com", "ada", "example.com")),
        ("Lovelace, Ada <ada@example.com>", Mailbox("Lovelace, Ada", "ada", "example.com")),
        ("ada+tag@mail.example.co.uk", Mailbox("", "ada+tag", "mail.example.co.uk")),
        ("ada@bücher.example", Mailbox("", "ada", "xn--bcher-kva.example")),
        ("ada@xn--bcher-kva.example", Mailbox("", "ada", "xn--bcher-kva.example")),
        ("jürgen@example.com", Mailbox("", "jürgen", "example.com")),
        ("user@localdomain.test", Mailbox("", "user", "localdomain.test")),
    ],
)
def test_mailbox_is_parsed(text: str, expected: Mailbox) -> None:
    assert mailbox(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "@example.com",
        "ada@",
        "ada@@example.com",
        "a da@example.com",
        "ada@example..com",
        "ada@-example.com",
        "ada@exam_ple.com",
        "ada@example.com, eve@example.com",
        "ada@example.com>",
        "Ada <<ada@example.com>",
        "Ada <ada@example.com> <eve@example.com>",
        "ada@[127.0.0.1]",
        "ada@127.0.0.1",
        f"{'a' * 65}@example.com",
        f"ada@{'a' * 64}.com",
        f"ada@{'a.' * 127}com",
        "ada@example.com\r\nBcc: eve@example.com",
        "Ada\r\nBcc: eve@example.com <ada@example.com>",
        "Ada\x00 <ada@example.com>",
        "Ada\u2028 <ada@example.com>",
        "Ada\x85 <ada@example.com>",
        "ada@xn--a.com",
        f"{'n' * 257} <ada@example.com>",
        f"{' ' * 1024}ada@example.com",
    ],
)
def test_invalid_mailbox_is_refused(text: str) -> None:
    with pytest.raises(NotAMailbox) as refused:
        mailbox(text)
    # It becomes part of sentences.
    assert not str(refused.value).endswith(".")


@given(st.text())
def test_any_text_is_either_a_mailbox_or_refused(text: str) -> None:
    try:
        read = mailbox(text)
    except NotAMailbox:
        return
    assert "@" not in read.domain
    assert read.domain.isascii()
    assert mailbox(read.address).key == read.key
    assert not set("\r\n\x00") & set(read.name + read.address)


def test_two_spellings_of_one_mailbox_have_one_key() -> None:
    assert mailbox("Ada@Example.com").key == mailbox("Countess <ada@EXAMPLE.COM>").key


@pytest.mark.parametrize(
    ("text", "several"),
    [
        ("ada@example.com, Eve <eve@example.com>", True),
        ("ada@example.com;Eve <eve@example.com>", True),
        (" Ada <ada@example.com> , Eve <eve@example.com>", True),
        ('"ada@example.com, Eve" <eve@example.com>', False),
        ("Sales @ Shop, Inc <sales@example.com>", False),
        ("Shop, Inc <sales@example.com>", False),
        ("eve@example.com", False),
    ],
)
def test_several_addresses_in_one_text_are_detected(text: str, several: bool) -> None:
    """C-37: read as a name, all but the last would be lost without a word."""
    assert holds_several(text) is several
