"""Headers of the caller: read by their grammar, written in clear (C-36, C-54, C-55)."""

import re
from collections.abc import Mapping
from email.header import decode_header, make_header
from time import thread_time

import pytest

from server.message.headers import is_message_id, problems, written

MAILBOX_HEADERS = [
    *("Reply-To", "Mail-Reply-To", "Mail-Followup-To", "Sender", "Errors-To"),
    *("Disposition-Notification-To", "Return-Receipt-To", "x-confirm-reading-to"),
]
URL_HEADERS = ["List-Unsubscribe", "List-Help", "LIST-Post", "List-Owner", "List-Archive", "List-Subscribe"]


_WORDS = re.compile(r"=\?utf-8\?[qb]\?[^?]*\?=")


def line(name: str, value: str) -> str:
    """The line of a header, unfolded, without its name; encoded words are decoded, in square brackets."""
    ((_, found),) = written({name: value}, has_reply_to=False)
    assert isinstance(found, bytes), found
    assert max(map(len, found.split(b"\r\n"))) <= 998
    begin, _, rest = found.decode().replace("\r\n ", " ").partition(": ")
    assert begin == name
    assert rest.endswith("\r\n")
    return _WORDS.sub(lambda word: f"[{make_header(decode_header(word[0]))}]", rest.removesuffix("\r\n"))


def read(name: str, value: str) -> str:
    """The value of a header as a reader finds it."""
    ((_, found),) = written({name: value}, has_reply_to=False)
    assert isinstance(found, bytes), found
    assert max(map(len, found.split(b"\r\n"))) <= 998
    unfolded = found.decode().replace("\r\n", "").partition(": ")[2]
    return str(make_header(decode_header(unfolded))) if "=?" in unfolded else unfolded


def reason(name: str, value: str) -> str:
    """The reason why a header is refused."""
    ((refused, found),) = problems({name: value}, has_reply_to=False)
    assert refused == name
    return found


@pytest.mark.parametrize("name", MAILBOX_HEADERS)
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Jörg <j@example.com>", "[Jörg] <j@example.com>"),
        ("j@bücher.example", "j@xn--bcher-kva.example"),
        ("=?utf-8?q?J=C3=B6rg?= <j@example.com>", "[Jörg] <j@example.com>"),
        ("=?utf-8?b?SsO2cmcgPGpAZXhhbXBsZS5jb20+?=", "[Jörg] <j@example.com>"),
        ("\t Doe, Jane <j@example.com>  ", '"Doe, Jane" <j@example.com>'),
        ("a..b@docomo.example", '"a..b"@docomo.example'),
    ],
)
def test_addresses_stay_in_clear(name: str, value: str, expected: str) -> None:
    assert line(name, value) == expected


def test_several_addresses_are_a_list() -> None:
    assert line("Reply-To", "a@x.org; Jörg <j@x.org>") == "a@x.org, [Jörg] <j@x.org>"
    assert reason("Sender", "a@x.org, b@x.org") == "holds several addresses: a message has one sender"
    assert "51 addresses" in reason("Reply-To", ",".join(["a@x.org"] * 51))


@pytest.mark.parametrize("name", MAILBOX_HEADERS)
@pytest.mark.parametrize(
    "value", ["", "nonsense", "a@", "a@x.org, nonsense", "<>", "a@x.org>", "undisclosed:;"]
)
def test_a_header_of_addresses_without_one_is_refused(name: str, value: str) -> None:
    assert "address" in reason(name, value) or "bracket" in reason(name, value)


@pytest.mark.parametrize("name", URL_HEADERS)
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("<https://x.org/u?t=1>,<mailto:u@x.org>", "<https://x.org/u?t=1>, <mailto:u@x.org>"),
        ("https://x.org/u", "<https://x.org/u>"),
        ("mailto:u@x.org, https://x.org/u", "<mailto:u@x.org>, <https://x.org/u>"),
        ("<https://bücher.example/größe>", "<https://xn--bcher-kva.example/gr%C3%B6%C3%9Fe>"),
        (
            "<mailto:stop@bücher.example?subject=Größe 1>",
            "<mailto:stop@xn--bcher-kva.example?subject=Gr%C3%B6%C3%9Fe%201>",
        ),
        ("<https://x.org/a%20b> (the archive)", "<https://x.org/a%20b> (the archive)"),
        ("=?utf-8?q?=3Chttps=3A//x=2Eorg/u=3E?=", "<https://x.org/u>"),
        ("<https://x.org/a>," + " " * 7000 + "<https://x.org/b>", "<https://x.org/a>, <https://x.org/b>"),
    ],
)
def test_urls_stay_in_clear(name: str, value: str, expected: str) -> None:
    assert line(name, value) == expected


@pytest.mark.parametrize("name", [*URL_HEADERS, "List-Other"])
@pytest.mark.parametrize(
    "value",
    ["", "nonsense", "<nonsense>", "<>", "<https://x.org", "<mailto:u>", "<https:///p>", "<a:b> <c:d>"],
)
def test_a_list_header_without_urls_is_refused(name: str, value: str) -> None:
    assert "bracket" in reason(name, value) or "URL" in reason(name, value) or "has no" in reason(name, value)


def test_list_fields_with_values_of_their_own_are_accepted() -> None:
    """RFC 2369 section 3.4, RFC 8058 section 3.1."""
    assert line("List-Post", "NO") == "NO"
    assert line("List-Unsubscribe-Post", "List-Unsubscribe=One-Click") == "List-Unsubscribe=One-Click"
    assert reason("List-Unsubscribe-Post", "yes") == "must be List-Unsubscribe=One-Click"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Größe <news.a.example>", "[Größe] <news.a.example>"),
        ('"News, weekly" <news.a.example>', '"News, weekly" <news.a.example>'),
        ("<news.bücher.example>", "<news.xn--bcher-kva.example>"),
        ("news.a.example", "<news.a.example>"),
        ("=?utf-8?q?Gr=C3=B6=C3=9Fe?= <n.a.example>", "[Größe] <n.a.example>"),
    ],
)
def test_the_id_of_a_list_stays_in_clear(value: str, expected: str) -> None:
    assert line("List-Id", value) == expected


@pytest.mark.parametrize(
    "value", ["", "nonsense", "a b.c", "a <b c>", "<>", "a <b> c", "=?utf-8?q?a=0Ab?= <c.d>"]
)
def test_a_list_id_of_another_form_is_refused(value: str) -> None:
    assert reason("List-ID", value)


@pytest.mark.parametrize("name", ["References", "In-Reply-To", "Message-ID"])
def test_message_ids_stay_in_clear(name: str) -> None:
    assert line(name, "\t<a.b@x.org> ") == "<a.b@x.org>"
    assert line(name, "a.b@x.org") == "<a.b@x.org>"
    assert line(name, "<a.b@bücher.example>") == "<a.b@xn--bcher-kva.example>"
    for value in ("", "nonsense", "<a>", "<@>", "<a@x.org", "<ü@x.org>", "<a@x.org> nonsense", "<a b@c>"):
        assert "<local@domain>" in reason(name, value) or "US-ASCII" in reason(name, value)


def test_several_ids_are_separated_by_spaces() -> None:
    assert line("References", "<a@x.org>,  <b@x.org><c@x.org>" + " " * 5000 + "d@x.org") == (
        "<a@x.org> <b@x.org> <c@x.org> <d@x.org>"
    )
    assert reason("Message-ID", "<a@x.org> <b@x.org>") == "must have the form <local@domain>"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("  42\t", "42"),
        ("Größe", "[Größe]"),
        ("=?iso-8859-1?Q?Gr=F6=DFe?=", "[Größe]"),
        ("=?utf-8?b?w7w=?= =?utf-8?b?w7w=?= x", "[üü x]"),
        ("=?us-ascii?q?plain?=", "plain"),
    ],
)
def test_free_text_is_trimmed_and_encoded_once(value: str, expected: str) -> None:
    """C-54."""
    assert line("X-Note", value) == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"List-Unsubscribe": f"<https://x.org/{'ü' * 600}>"},
        {"List-" + "n" * 121: f"<https://x.org/{'n' * 870}>"},
        {"Reply-To": f"{'ü' * 40}{'n' * 901}@x.org"},
    ],
)
def test_a_line_that_cannot_be_folded_is_refused(fields: Mapping[str, str]) -> None:
    assert len(list(problems(fields, has_reply_to=False))) == 1


@pytest.mark.parametrize(
    "value", ["x" + " " * 8000 + "y", "w" * 900, '{"order":"' + "7" * 800 + 'ö"}', "長い値" * 2700]
)
def test_no_free_text_makes_a_line_over_998_octets(value: str) -> None:
    """Many scripts have no blanks."""
    assert read("X-" + "n" * 124, value) == value


def test_items_need_no_blanks_between_them() -> None:
    addresses = [f"{'a' * 40}{no}@x.org" for no in range(50)]
    assert line("Reply-To", ",".join(addresses)) == ", ".join(addresses)
    urls = [f"<https://x.org/{'t' * 800}{no}>" for no in range(5)]
    assert line("List-Unsubscribe", ",".join(urls)) == ", ".join(urls)


@pytest.mark.parametrize("length", [900, 986, 987, 1000])
def test_a_message_id_that_is_accepted_can_be_composed(length: int) -> None:
    id = f"<{'i' * (length - 9)}@x.test>"
    assert len(id) == length
    assert is_message_id(id) == (not list(problems({"Message-ID": id}, has_reply_to=False)))
    assert is_message_id(id) == (length <= 986)


def test_lines_are_broken_at_single_spaces_only() -> None:
    """Some readers make one space of a line break and the blanks around it."""
    value = "two  blanks and\ta tab " * 20 + "end"
    assert read("X-Note", value) == value
    ((_, found),) = written({"X-Note": value}, has_reply_to=False)
    assert isinstance(found, bytes)
    assert b"\r\n " in found
    assert not re.search(rb"[ \t]\r\n|\r\n([ \t]{2}|\t)", found)


@pytest.mark.parametrize(
    "name", ["X-Note", "Reply-To", "List-Unsubscribe", "List-ID", "References", "Message-ID"]
)
@pytest.mark.parametrize(
    "piece", ["<", "<a@", "@", ",", "<a:b>,", '"', "\\", "=?", "=?utf-8?q?a", " <", "<a> ", "("]
)
def test_a_hostile_value_takes_no_time(name: str, piece: str) -> None:
    begin = thread_time()
    list(problems({name: piece * (8192 // len(piece))}, has_reply_to=False))
    list(problems({name: (piece * 100 + " ") * (8192 // (len(piece) * 100 + 1))}, has_reply_to=False))
    # A quadratic one takes minutes.
    assert thread_time() - begin < 1
