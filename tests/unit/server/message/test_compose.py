"""A composed message holds the given values, in a form that every relay carries (C-36, C-37, F-10)."""

import email
import email.policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses

import pytest
from hypothesis import given, settings

from server.addresses import Mailbox
from server.message.compose import Message, compose
from server.message.encoding import Uncomposable, unstructured
from tests.unit.server.message.messages import PLAIN, messages, plain_with, subject

SHOWN = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
]


def parsed(message: Message) -> EmailMessage:
    found = email.message_from_bytes(bytes(compose(message)), policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def header_count(message: Message) -> int:
    """The number of header fields that a receiver sees, counted without the `email` package."""
    head = bytes(compose(message)).partition(b"\r\n\r\n")[0]
    return sum(1 for line in head.split(b"\r\n") if not line[:1].isspace())


def same_text(given: str) -> str:
    """A text as it arrives: its line ends are the receiver's, the last line has one."""
    text = given.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.endswith("\n") else text + "\n"


def boxes(message: Message, name: str) -> list[Mailbox]:
    """The mailboxes of a header, not by the `email` registry: it puts spaces between encoded words."""
    raw = email.message_from_bytes(bytes(compose(message)), policy=email.policy.compat32)
    unfolded = str(raw[name]).replace("\r\n", "")
    found = []
    for phrase, address in getaddresses([unfolded]):
        local, _, domain = address.rpartition("@")
        found.append(Mailbox(str(make_header(decode_header(phrase))), local, domain))
    return found


@given(messages)
@settings(max_examples=100, deadline=None)
def test_parsed_message_equals_the_composed_one(message: Message) -> None:
    found = parsed(message)
    assert boxes(message, "From") == [message.sender]
    assert boxes(message, "To") == list(message.to)
    assert ("Cc" in found) == bool(message.cc)
    if message.cc:
        assert boxes(message, "Cc") == list(message.cc)
    if message.reply_to:
        assert boxes(message, "Reply-To") == list(message.reply_to)
    assert found["Subject"] == message.subject
    assert found["Message-ID"] == message.message_id
    assert round(found["Date"].datetime.timestamp()) == message.date_ms // 1000
    html = found.get_body(("html",))
    assert html is not None
    assert message.html is not None
    assert same_text(html.get_content()) == same_text(message.html)
    if message.text:
        text = found.get_body(("plain",))
        assert text is not None
        assert same_text(text.get_content()) == same_text(message.text)
        assert found.get_content_type() == "multipart/alternative"
        assert [part.get_content_type() for part in found.iter_parts()] == ["text/plain", "text/html"]
    for name, value in message.headers.items():
        if "=?" not in value:
            assert found[name] == value


@given(messages)
@settings(max_examples=100, deadline=None)
def test_message_is_within_smtp_limits(message: Message) -> None:
    raw = bytes(compose(message))
    assert raw.isascii()
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    head = raw.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert all(line.strip() for line in head)


@given(subject)
@settings(deadline=None)
def test_only_a_single_word_makes_a_line_longer_than_is_preferred(value: str) -> None:
    """RFC 5322 section 2.1.1."""
    name, *lines = unstructured("Subject", value).decode().split("\r\n")
    assert len(name) <= 78 or len(name.removeprefix("Subject: ").split()) == 1
    assert all(len(line) <= 78 or len(line.split()) == 1 for line in lines)


@given(messages)
@settings(max_examples=30, deadline=None)
def test_a_retry_composes_the_same_bytes(message: Message) -> None:
    assert bytes(compose(message)) == bytes(compose(message))


def test_a_simple_message_has_the_fields_of_a_message_and_no_others() -> None:
    assert parsed(PLAIN).keys() == SHOWN


def test_bcc_is_not_in_the_message() -> None:
    assert "bcc" not in bytes(compose(PLAIN)).decode().lower()


@pytest.mark.parametrize(
    "bad", ["\r\nBcc: evil@x.test", "\nX: y", "\rX: y", "\x00", "\x0b", "\x0c", "\x1b", "\x85"]
)
@pytest.mark.parametrize(
    "place", ["subject", "name", "header", "unsubscribe", "local", "domain", "message_id"]
)
def test_no_control_character_enters_a_header(bad: str, place: str) -> None:
    """C-36: what `accept` refuses is refused again here."""
    evil = "a" + bad
    message = {
        "subject": lambda: plain_with(subject=evil),
        "name": lambda: plain_with(to=[Mailbox(evil, "b", "c.test")]),
        "header": lambda: plain_with(headers={"X-A": evil}),
        "unsubscribe": lambda: plain_with(headers={"List-Unsubscribe": evil}),
        "local": lambda: plain_with(to=[Mailbox("", evil, "c.test")]),
        "domain": lambda: plain_with(to=[Mailbox("", "b", evil + ".test")]),
        "message_id": lambda: plain_with(message_id=f"<{evil}@x>"),
    }[place]()
    with pytest.raises(Uncomposable):
        compose(message)


@pytest.mark.parametrize("name", ["X A", "X:A", "X\r\nBcc", "", "Ü", "From", "BCC", "content-type", "Date"])
def test_duplicate_headers_and_invalid_names_are_refused(name: str) -> None:
    with pytest.raises(Uncomposable):
        compose(plain_with(headers={name: "v"}))


@pytest.mark.parametrize(
    "hidden",
    [
        "=?utf-8?q?a=0D=0ABcc:_evil@x.test?=",
        "=?utf-8?b?YQ0KQmNjOiBldmlsQHgudGVzdA==?=",
        "=?us-ascii?q?=0A=0A?=",
        "=?",
    ],
)
def test_an_encoded_word_of_the_caller_hides_no_header(hidden: str) -> None:
    """CVE-2024-6923: subject and names arrive literally, and no reader sees a further header."""
    message = plain_with(subject=hidden, to=[Mailbox(hidden, "bob", "receiver.test")])
    assert header_count(message) == len(SHOWN)
    found = parsed(message)
    assert found.keys() == SHOWN
    assert found["Subject"] == hidden
    assert boxes(message, "To")[0].name == hidden


def test_a_long_list_unsubscribe_is_neither_encoded_nor_broken_inside() -> None:
    """F-10: mail programs do not decode it, and the URL must stay whole."""
    url = "<https://links.sender.test/u/" + "t" * 300 + ">"
    mailto = "<mailto:unsubscribe@sender.test?subject=stop>"
    message = plain_with(
        headers={
            "List-Unsubscribe": f"{url}, {mailto}",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    )
    raw = bytes(compose(message)).decode()
    assert f"List-Unsubscribe: {url},\r\n {mailto}\r\n" in raw
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw


def test_a_url_beyond_ascii_is_percent_encoded() -> None:
    raw = bytes(compose(plain_with(headers={"List-Unsubscribe": "<https://x.test/ü>"})))
    assert b"List-Unsubscribe: <https://x.test/%C3%BC>\r\n" in raw


def test_names_and_addresses_of_any_script_reach_the_wire() -> None:
    """C-37 and RFC 6532: only a local part that has no other form is written as UTF-8."""
    message = plain_with(
        sender=Mailbox("Größe", "you", "d.com"),
        to=[Mailbox("", "bob", "bücher.test"), Mailbox("山田", "t", "例え.test")],
    )
    composed = compose(message)
    assert not composed.needs_utf8
    assert b"bob@xn--bcher-kva.test" in bytes(composed)
    assert compose(plain_with(to=[Mailbox("", "用户", "receiver.test")])).needs_utf8


@pytest.mark.parametrize(
    ("local", "written"),
    [
        ("john doe", '"john doe"'),
        ('a"b', '"a\\"b"'),
        ("a..b", '"a..b"'),
        ('"a b"', '"a b"'),
        ("x>y", '"x>y"'),
    ],
)
def test_a_local_part_that_is_no_dot_atom_is_quoted(local: str, written: str) -> None:
    raw = bytes(compose(plain_with(to=[Mailbox("", local, "receiver.test")]))).decode()
    assert f"To: {written}@receiver.test\r\n" in raw


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("plain\r\n.\r\n", "7bit"),
        ("x" * 998, "7bit"),
        ("x" * 999, "quoted-printable"),
        ("mostly ascii, one ü", "quoted-printable"),
        ("привет, мир", "base64"),
        ("control \x07", "quoted-printable"),
        ("blanks at the end \nof a line", "quoted-printable"),
        ("a tab\t", "quoted-printable"),
        ("-- \nthe signature", "quoted-printable"),
        ("one\nFrom here", "quoted-printable"),
        ("From: here", "7bit"),
    ],
)
def test_the_smallest_safe_encoding_is_chosen(text: str, encoding: str) -> None:
    found = parsed(plain_with(text=text))
    assert found["Content-Transfer-Encoding"] == encoding
    assert same_text(found.get_content()) == same_text(text)


@pytest.mark.parametrize("length", range(50, 80))
@pytest.mark.parametrize("begin", ["ö", "From ö"])
def test_no_line_begins_with_from_where_it_was_cut(length: int, begin: str) -> None:
    """Programs that keep mail in mailbox files change it to `>From`, which breaks signatures."""
    text = f"{begin}{'x' * length}From here on, {'y' * 80} From there on {'z ' * 60}\n"
    found = compose(plain_with(text=text)).body
    assert b"\nFrom " not in b"\n" + found
    # RFC 2045 section 6.7, rule 5.
    assert max(map(len, found.split(b"\r\n"))) <= 76
    assert same_text(parsed(plain_with(text=text)).get_content()) == text


@given(messages)
@settings(max_examples=50, deadline=None)
def test_no_line_changes_in_relays(message: Message) -> None:
    """Relays strip the blanks at the ends of lines, and write `>From`; signatures must survive both."""
    body = compose(message).body
    assert b" \r\n" not in body
    assert b"\t\r\n" not in body
    assert not body.startswith(b"From ")
    assert b"\nFrom " not in body


def test_a_boundary_in_the_text_does_not_end_its_part() -> None:
    message = plain_with(html="<p>x</p>")
    boundary = parsed(message).get_boundary()
    again = parsed(plain_with(html="<p>x</p>", text=f"--{boundary}--\n"))
    text = again.get_body(("plain",))
    assert text is not None
    assert same_text(text.get_content()) == f"--{boundary}--\n"
    assert again.get_boundary() != boundary
