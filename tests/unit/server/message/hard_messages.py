"""Messages of the kinds that are hardest to write, each named after its kind."""

import io
import zipfile
from collections.abc import Iterator

from tests.unit.server.message.hard_values import (
    BODIES,
    FILE_NAMES,
    FILES,
    INNER,
    MESSAGES,
    SCRIPTS,
    UNUSUAL_NAMES,
    UTF8_ADDRESSES,
)
from tests.unit.server.message.samples import File, Sample, quoted, sample

_PIXEL = b"\x89PNG\r\n\x1a\n"


def hard_messages() -> Iterator[Sample]:
    """The messages: every kind once."""
    yield from _with_names()
    yield from _with_utf8_addresses()
    yield from _with_long_headers()
    yield from _with_structured_headers()
    yield from _with_bodies()
    yield from _with_messages()
    yield from _with_files()


def _with_names() -> Iterator[Sample]:
    for kind, name in {**SCRIPTS, **UNUSUAL_NAMES}.items():
        yield sample(
            f"name-{kind}",
            sender=quoted(name, "ada@sender.test"),
            to=[quoted(name, "bob@receiver.test"), "plain@receiver.test", quoted(name, "c@bücher.test")],
            cc=[quoted(name, "copy@receiver.test")],
            reply_to=[quoted(name, "reply@receiver.test"), quoted("Doe, Jane", "jane@receiver.test")],
            subject=name,
            text=name,
            html=f"<p>{name}</p>",
        )


def _with_utf8_addresses() -> Iterator[Sample]:
    for no, address in enumerate(UTF8_ADDRESSES):
        local = address.partition("@")[0]
        yield sample(f"smtputf8-to-{no}", to=[address, "bob@receiver.test"], subject="Größe", text="Hi")
        yield sample(
            f"smtputf8-all-{no}",
            sender=quoted("Größe, Jörg", f"{local}@sender.test"),
            to=[quoted("山田 太郎", address), quoted("Ada", f'"{local} x"@receiver.test'), *UTF8_ADDRESSES],
            cc=[quoted("x" * 90, address)],
            reply_to=[quoted("Jörg", f"a.{local}@receiver.test")],
            headers={"Errors-To": f"Größe <{address}>", "Sender": address},
            text="Größe",
        )


def _with_long_headers() -> Iterator[Sample]:
    for kind, value in {
        "words": "word " * 1_600 + "end",
        "chinese": "長い値" * 2_700,
        "emoji": "🎉" * 8_000,
        "mixed": "größe and long " * 500 + "end",
        "longest-word": "a " + "x" * 900 + " b",
        "gaps": "a" + " " * 900 + "b" + "\t" * 900 + "c",
        "blanks-beyond-ascii": "ö" + " " * 500 + "ö",
        "equals": "=? ?= =?= " * 300 + "end",
    }.items():
        yield sample(f"long-header-{kind}", headers={"X-Note": value, "X-" + "n" * 124: "Größe"}, text="Hi")
    yield sample("long-subject-ascii", subject="w " * 498 + "w", text="Hi")
    yield sample("long-subject-word", subject="w" * 998, text="Hi")
    yield sample("long-subject-emoji", subject="👩‍👩‍👧‍👦" * 90, text="Hi")
    ids = [f"<{no}.{'r' * 150}@x.test>" for no in range(48)]
    yield sample("long-references", headers={"References": " ".join(ids), "In-Reply-To": ids[-1]}, text="Hi")
    many = [quoted(f"Größe {'ö' * 200} {no}", f"{'r' * 50}{no}@receiver.test") for no in range(50)]
    yield sample("long-lists", to=many, cc=many, reply_to=many, text="Hi")
    ascii_names = [quoted(f"{'long name ' * 20}, {no}", f"r{no}@receiver.test") for no in range(50)]
    yield sample("long-lists-ascii", to=ascii_names, cc=ascii_names, reply_to=ascii_names, text="Hi")
    url = f"<https://x.test/{'t' * 940}>"
    yield sample(
        "long-url", headers={"List-Unsubscribe": url, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    )


def _with_structured_headers() -> Iterator[Sample]:
    names = ("Reply-To", "Sender", "Errors-To", "Disposition-Notification-To", "Mail-Followup-To")
    for kind, name in {**SCRIPTS, **UNUSUAL_NAMES}.items():
        value = quoted(name, "box@bücher.test")
        yield sample(
            f"structured-{kind}", headers=dict.fromkeys((*names, "Return-Receipt-To"), value), text="Hi"
        )
    yield sample(
        "structured-several",
        headers={
            "Reply-To": 'Jörg <j@x.test>, "Müller, Ö" <m@bücher.test>; plain@x.test',
            "Mail-Followup-To": "Größe <a@x.test>,山田 <b@x.test>",
        },
        text="Hi",
    )
    yield sample(
        "structured-encoded",
        headers={
            "Reply-To": "=?utf-8?q?J=C3=B6rg?= <j@x.test>",
            "X-Note": "=?utf-8?q?Gr=C3=B6?= =?utf-8?q?=C3=9Fe?= end",
            "List-Id": "=?utf-8?b?R3LDtsOfZQ==?= <n.x.test>",
        },
        shown={"reply-to": "Jörg <j@x.test>", "x-note": "Größe end", "list-id": "Größe <n.x.test>"},
        text="Hi",
    )
    yield sample(
        "structured-lists",
        headers={
            "List-Id": "Neues aus Köln <neues.x.test>",
            "List-Post": "<mailto:list@bücher.test>",
            "List-Help": "<https://bücher.test/größe?a=ö>, <mailto:h@x.test?subject=h>",
            "List-Archive": "https://x.test/a",
            "List-Owner": "<mailto:a@x.test> (Contact)",
        },
        shown={
            "list-post": "<mailto:list@xn--bcher-kva.test>",
            "list-help": "<https://xn--bcher-kva.test/gr%C3%B6%C3%9Fe?a=%C3%B6>, <mailto:h@x.test?subject=h>",
            "list-archive": "<https://x.test/a>",
        },
        text="Hi",
    )


def _with_bodies() -> Iterator[Sample]:
    yield sample("body-none")
    yield sample("body-none-and-file", files=[File("a.pdf", b"a")])
    for kind, body in BODIES.items():
        yield sample(f"text-{kind}", text=body)
        yield sample(f"html-{kind}", html=body)
        yield sample(f"body-{kind}", text=body, html=body, files=[File("a.pdf", b"a")])


def _with_messages() -> Iterator[Sample]:
    for kind, inner in MESSAGES.items():
        raw = inner.encode() if kind != "latin-1" else inner.encode() + b"Gr\xf6\xdfe\r\n"
        yield sample(f"message-{kind}", text="See below.", files=[File("forwarded Größe.eml", raw)])
        yield sample(
            f"message-{kind}-among", html="<p>x</p>", files=[File("a.eml", raw), File("b.pdf", b"b")]
        )
    binary = INNER.encode() + b"\r\na\x00b\r\n"
    long = INNER.encode() + b"\r\n" + b"x" * 2_000 + b"\r\n"
    for kind, raw in {"binary": binary, "long-line": long, "empty": b""}.items():
        # A reader believes the extension `eml` more than the type.
        file = File("raw.bin", raw, "message/rfc822", shown_type="application/octet-stream")
        yield sample(f"message-{kind}", text="See below.", files=[file])
    raw = MESSAGES["header-beyond-ascii"].encode()
    yield sample("message-global", text="x", files=[File("größe.u8msg", raw, "message/global")])


def _with_files() -> Iterator[Sample]:
    kinds = list(FILES.items())
    for no in range(0, len(kinds), 10):
        yield sample(f"files-{no}", text="Hi", files=[File(*each) for each in kinds[no : no + 10]])
    for name, content in kinds:
        yield sample(f"file-{name}", html="<p>Hi</p>", files=[File(name, content)])
    for script, text in SCRIPTS.items():
        yield sample(f"file-name-{script}", text="Hi", files=[File(f"{text}.pdf", b"pdf"), File(text, b"x")])
    for no, name in enumerate(FILE_NAMES):
        yield sample(f"file-name-{no}", text="Hi", files=[File(name, b"a"), File(name, b"b")])
    for size in (0, 1, 2, 56, 57, 58, 56_999, 57_000, 57_001, 1_000_000):
        content = bytes(index * 7 % 256 for index in range(size))
        yield sample(f"file-size-{size}", text="Hi", files=[File("data.bin", content)])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("Größe.txt", "Größe")
    yield sample("file-zip", text="Hi", files=[File("ä.zip", packed.getvalue())])
    for no, kind in enumerate(
        (
            'text/plain; charset="iso-8859-1"',
            "text/plain; charset=utf-8; format=flowed; delsp=yes",
            'application/x-thing; a="b; c, d"; e = "\\"f\\""',
            'text/calendar; method=REQUEST; charset="UTF-8"',
            "application/pdf; name=other.pdf",
            "TEXT/HTML",
            "image/svg+xml",
        )
    ):
        yield sample(f"file-type-{no}", text="Hi", files=[File("größe.dat", "Größe\n".encode(), kind)])
    inline = [File("Größe 1.png", _PIXEL, "", "logo@x.test"), File("b.png", _PIXEL * 9, "", "b")]
    html = '<p><img src="cid:logo@x.test"><img src="cid:b">Größe</p>'
    yield sample("inline", html=html, files=inline)
    yield sample("inline-and-text", text="Größe", html=html, files=inline)
    yield sample("inline-and-files", text="Hi", html=html, files=[File("a.pdf", b"a"), *inline])
    yield sample("inline-without-html", text="Hi", files=inline)
