"""Every email that the rules accept becomes a message that keeps its values (C-36, C-37, Z-20, F-12)."""

import email
import email.policy
import re
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.header import decode_header, make_header
from email.message import Message as Parsed
from email.utils import getaddresses

from hypothesis import assume, event, example, given, settings
from hypothesis import strategies as st

from server.addresses import mailbox, split
from server.emails import rules
from server.encoded_words import strictly_decoded
from server.message.attachment import Attachment
from server.message.compose import Message, compose
from server.message.structured import ID_FIELDS, MAILBOX_FIELDS

CONTENT = bytes(range(256)) * 3


@dataclass(frozen=True, kw_only=True)
class Request:
    """The parts of a request to send that its message is made of."""

    sender: str = "Ada <ada@sender.test>"
    to: Sequence[str] = ("bob@receiver.test",)
    cc: Sequence[str] = ()
    reply_to: Sequence[str] = ()
    subject: str = "Your receipt"
    html: str = ""
    text: str = "Thank you.\n"
    headers: dict[str, str] = field(default_factory=dict)
    files: Sequence[rules.File] = ()


def is_accepted(request: Request) -> bool:
    violations = (
        *rules.sender(request.sender),
        *rules.addresses("to", request.to),
        *rules.addresses("cc", request.cc),
        *rules.addresses("reply_to", request.reply_to),
        *rules.counts(request.to, request.cc, (), request.reply_to),
        *rules.subject(request.subject),
        *rules.bodies(request.html, request.text),
        *rules.headers(request.headers, has_reply_to=bool(request.reply_to)),
        *rules.attachments(request.files),
    )
    return not violations


def message_of(request: Request) -> Message:
    return Message(
        sender=mailbox(request.sender),
        to=[mailbox(text) for text in request.to],
        cc=[mailbox(text) for text in request.cc],
        reply_to=[mailbox(text) for text in request.reply_to],
        subject=request.subject,
        message_id=rules.message_id(request.headers, "0" * 24, "sender.test"),
        date_ms=1_800_000_000_000,
        text=request.text or None,
        html=request.html or None,
        headers=request.headers,
        attachments=[
            Attachment(file.filename.strip(), file.content_type.strip(), file.content_id, [CONTENT])
            for file in request.files
        ],
    )


# No surrogates: protobuf holds none. And no control characters, which are never accepted in one line.
characters = st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"))
printable = string.printable[:95]
tokens = re.sub("[<> ]", "", printable)
# A run of one character is what reaches the limits.
run = st.builds(
    lambda character, length: character * length,
    st.sampled_from('a <=?\t%"\\;ü\u00a0\u3000文📦'),
    st.one_of(st.integers(1, 80), st.sampled_from([450, 899, 900, 997, 998, 4000])),
)
piece = st.one_of(
    run,
    st.text(characters, max_size=40),
    st.text(printable, max_size=40),
    st.sampled_from(["=?utf-8?q?Gr=C3=B6=C3=9Fe?=", "=?utf-8?b?w7w=?=", "<a@b.test>", "<https://x.test/ü>"]),
)
value = st.lists(piece, max_size=5).map("".join)
header_name = st.one_of(
    st.sampled_from(
        ["X-Note", "List-Unsubscribe", "List-ID", "References", "In-Reply-To", "Reply-To", "Sender"]
    ),
    st.text(printable.replace(":", "").replace(" ", ""), min_size=1, max_size=126),
    st.sampled_from(["X-" + "n" * 124, "List-" + "n" * 121]),
)
headers = st.one_of(
    st.dictionaries(header_name, value, max_size=4),
    st.builds(lambda left, right: {"Message-ID": f"<{left}@{right}>"}, *[st.text(tokens, min_size=1)] * 2),
)
name = st.one_of(st.text(characters, max_size=256), st.text(printable, max_size=256))
quoted = name.map(lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '" ')
address = st.builds(
    "{}@{}".format,
    st.one_of(st.from_regex(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}", fullmatch=True), st.just("用户")),
    st.sampled_from(["receiver.test", "bücher.test", ".".join(["l" * 62] * 3) + ".test"]),
)
mailboxes = st.builds("{}<{}>".format, st.one_of(quoted, name), address) | address
media_type = st.one_of(
    st.sampled_from(["application/pdf", "text/csv; charset=utf-8", 'text/x;a="1; b=2" ; c="d/e";']),
    st.builds(
        'text/plain; title="{}"'.format,
        st.text(printable, max_size=230).map(lambda text: re.sub(r'["\\]', "", text)),
    ),
    st.from_regex(r"[a-z][a-z0-9!#$&^_.+-]{0,126}/[a-z][a-z0-9!#$&^_.+-]{0,126}", fullmatch=True),
)
file = st.builds(
    rules.File,
    filename=st.text(characters, min_size=1, max_size=255).map(lambda text: re.sub(r"[/\\]", "-", text)),
    size=st.just(len(CONTENT)),
    path=st.just(""),
    content_type=media_type,
    content_id=st.one_of(st.just(""), st.text(tokens, max_size=128)),
)
body_piece = piece | st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"))
body = st.lists(st.one_of(body_piece, st.sampled_from(["\r", "\n", "\r\n", "."])), max_size=8).map("".join)

# One part of a request at a time is strange: a request of strange parts alone would rarely be accepted.
requests = st.one_of(
    st.builds(Request, headers=headers),
    st.builds(Request, headers=headers, reply_to=st.lists(mailboxes, max_size=3)),
    st.builds(Request, sender=mailboxes, to=st.lists(mailboxes, min_size=1, max_size=5)),
    st.builds(Request, cc=st.lists(mailboxes, max_size=5)),
    st.builds(Request, subject=value),
    st.builds(Request, html=body, text=body),
    st.builds(Request, html=st.sampled_from(["", "<p>"]), files=st.lists(file, min_size=1, max_size=3)),
)


@given(requests)
@example(Request(headers={"List-Unsubscribe": "ü" * 900}))  # percent-encoded longer than a line may be
@example(Request(headers={"X-" + "n" * 124: "w" * 900}))  # too long together with its name
@example(Request(headers={"List-" + "n" * 121: "w" * 900}))
@example(Request(headers={"X-Gap": "a" + " " * 8000 + "b"}))
@example(Request(files=[rules.File("a", 768, "", 'text/x; title="1;b=2"', "")]))  # in quotes
@example(Request(files=[rules.File("a", 768, "", "text/x", "i" * 128)]))
@example(Request(headers={"Message-ID": f"<{'a' * 448}@{'b' * 449}>"}))
@settings(max_examples=400, deadline=None)
def test_every_accepted_email_composes_and_keeps_its_values(request: Request) -> None:
    assume(is_accepted(request))
    event(", ".join(name for name in vars(request) if getattr(request, name) != getattr(Request(), name)))
    composed = compose(message_of(request))
    raw = bytes(composed)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    parsed = email.message_from_string(raw.decode(), policy=email.policy.compat32)
    assert not parsed.defects
    assert values(parsed, "Subject") == [request.subject.strip(" \t")]
    _assert_keeps_addresses(request, parsed)
    _assert_keeps_headers(request, parsed)
    leaves = [part for part in parsed.walk() if not part.is_multipart()]
    texts, files = leaves[: len(leaves) - len(request.files)], leaves[len(leaves) - len(request.files) :]
    contents = [content(part).decode() for part in texts]
    assert contents == [as_lines(text) for text in (request.text, request.html) if text]
    found = [(part.get_filename(), part["Content-ID"], content(part)) for part in files]
    expected = [
        (file.filename.strip(), f"<{file.content_id}>" if file.content_id else None, CONTENT)
        for file in request.files
    ]
    # Inline files stand beside the HTML that shows them, before the others.
    assert sorted(found, key=repr) == sorted(expected, key=repr)
    types = [media_type_of(part["Content-Type"]) for part in files]
    assert sorted(types) == sorted(media_type_of(file.content_type) for file in request.files)


def _assert_keeps_addresses(request: Request, parsed: Parsed) -> None:
    for field_name, texts in (("From", [request.sender]), ("To", request.to), ("Cc", request.cc)):
        assert addresses(parsed, field_name) == [mailbox(text).key for text in texts]
    if request.reply_to:
        assert addresses(parsed, "Reply-To") == [mailbox(text).key for text in request.reply_to]


def _assert_keeps_headers(request: Request, parsed: Parsed) -> None:
    for header, given_value in request.headers.items():
        lowered, stripped = header.lower(), given_value.strip(" \t")
        if lowered in MAILBOX_FIELDS:
            assert addresses(parsed, header) == [mailbox(text).key for text in split(stripped)]
        elif lowered in ID_FIELDS or lowered.startswith("list-"):
            # Addresses, URLs and ids stay in clear (C-55).
            (raw,) = parsed.get_all(header, ())
            assert lowered == "list-id" or "=?" not in raw or "=?" in stripped
            assert raw.isascii()
        else:
            (found,) = values(parsed, header)
            assert found == strictly_decoded(stripped).strip(" \t")


def values(parsed: Parsed, name: str) -> list[str]:
    return [decoded(unfolded(text)) for text in parsed.get_all(name, ())]


def addresses(parsed: Parsed, name: str) -> list[str]:
    unfolded_values = [unfolded(text) for text in parsed.get_all(name, ())]
    return [address.lower() for _, address in getaddresses(unfolded_values)]


def unfolded(text: str) -> str:
    return text.replace("\r\n", "")


def decoded(text: str) -> str:
    return str(make_header(decode_header(text)))


def content(part: Parsed) -> bytes:
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload


def as_lines(text: str) -> str:
    """A text as it arrives: every line ends in CRLF, the last one too."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
    return text if text.endswith("\r\n") else text + "\r\n"


def media_type_of(header: str) -> str:
    """A media type without white space between its parameters, an empty last one, and those that we add."""
    header = re.sub(r';\s+name="(?:[^"\\]|\\.)*"\Z|;\s+charset=utf-8', "", header)
    quotes = header.replace("\r\n", "").split('"')
    quotes[::2] = ["".join(outside.split()) for outside in quotes[::2]]
    return '"'.join(quotes).removesuffix(";")
