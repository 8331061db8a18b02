"""Mailboxes as callers write them (C-37, C-39, C-54, C-56)."""

from email.utils import formataddr
from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.addresses import Mailbox, NotAMailbox, as_text, mailbox, split
from server.encoded_words import decoded


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
    ("text", "address"),
    [
        ('"a..b"@docomo.example', '"a..b"@docomo.example'),
        ("foo..bar.@docomo.example", '"foo..bar."@docomo.example'),
        (".foo@docomo.example", '".foo"@docomo.example'),
        ('Bob <"x>y, z"@example.com>', '"x>y, z"@example.com'),
        (r'"a\"b@c"@example.com', r'"a\"b@c"@example.com'),
        ('"ada"@example.com', "ada@example.com"),
        ('"jü rgen"@bücher.example', '"jü rgen"@xn--bcher-kva.example'),
    ],
)
def test_an_unusual_local_part_is_quoted(text: str, address: str) -> None:
    """C-56."""
    assert mailbox(text).address == address
    assert mailbox(address).key == mailbox(text).key


@pytest.mark.parametrize(
    "text", ['""@example.com', '" "@example.com', f'"{"a " * 32}"@example.com', 'a"b@example.com']
)
def test_nonsense_in_quotes_is_no_local_part(text: str) -> None:
    with pytest.raises(NotAMailbox):
        mailbox(text)


names = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=60).map(str.strip)


@given(names)
def test_names_that_a_library_has_encoded_are_decoded(name: str) -> None:
    """C-54: `formataddr` writes encoded words and quotes."""
    text = formataddr((name, "ada@example.com"))
    assert mailbox(text) == mailbox(as_text(text))
    # A text that looks encoded and is not stands for its meaning, as in each mail program.
    if "=?" not in name:
        assert mailbox(text).name == name


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=?utf-8?q?Gr=C3=B6=C3=9Fe?= <x@example.com>", "Größe <x@example.com>"),
        ('"=?UTF-8?B?R3LDtsOfZQ==?=" <x@example.com>', "Größe <x@example.com>"),
        ("=?utf-8?q?Doe=2C_Jane?= <x@example.com>", '"Doe, Jane" <x@example.com>'),
        ("=?utf-8?b?44GC?=\t=?utf-8?b?44GE?= <x@example.com>", None),
        ("=?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3F=3D?= <x@example.com>", None),
        ("  x@example.com ", "x@example.com"),
    ],
)
def test_a_mailbox_is_shown_without_encoded_words(text: str, shown: str | None) -> None:
    """C-54; None for a text that must stay: a tab is refused, and a decoded name may look encoded again."""
    if shown is not None:
        assert as_text(text) == shown
    elif "\t" not in text:
        assert as_text(text) == text


@pytest.mark.parametrize(
    "hidden", ["=?utf-8?q?a=0D=0ABcc:_e@x.y?=", "=?utf-8?b?YQ0KQjogYw==?=", "=?l1?q?=85?="]
)
def test_an_encoded_name_hides_no_control_character(hidden: str) -> None:
    with pytest.raises(NotAMailbox):
        mailbox(f"{hidden} <ada@example.com>")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("ada@example.com, Eve <eve@example.com>", ["ada@example.com", "Eve <eve@example.com>"]),
        ("ada@example.com;Eve <eve@example.com>;", ["ada@example.com", "Eve <eve@example.com>"]),
        ("a@x.org, Doe, Jane <j@x.org>", ["a@x.org", "Doe, Jane <j@x.org>"]),
        ('"ada@example.com, Eve" <eve@example.com>', None),
        ('"a,b"@x.org, c@x.org', ['"a,b"@x.org', "c@x.org"]),
        (r'"a\", b@x.org" <c@x.org>', None),
        ("Sales @ Shop, Inc <sales@example.com>", None),
        ("Shop, Inc <sales@example.com>", None),
        ("=?utf-8?q?a@b.org,_Jane;?= <j@x.org>", None),
        ("=?utf-8?q?a, <a@x.org>, b@x.org ?=", ["=?utf-8?q?a, <a@x.org>", "b@x.org ?="]),
        ("a@x.org, nonsense", ["a@x.org", "nonsense"]),
        ("eve@example.com", None),
        (" , ;", None),
        ("", None),
    ],
)
def test_several_addresses_in_one_text_are_split(text: str, parts: list[str] | None) -> None:
    """C-54: read as a name, all but the last would be lost without a word. None for one mailbox."""
    assert split(text) == ([text] if parts is None else parts)


@pytest.mark.parametrize("piece", ["a@b,", ',"', "<,", ",x", '"\\', "=?utf-8?q?a", "@ ,", "a@"])
def test_hostile_texts_take_linear_time(piece: str) -> None:
    half = _time_of(piece * (16_000 // len(piece)))
    assert _time_of(piece * (64_000 // len(piece))) < 12 * half + 0.05


def _time_of(text: str) -> float:
    begin = thread_time()
    split(text)
    decoded(text)
    return thread_time() - begin
