"""Messages of the kinds that are hardest to write, each named after its kind."""

import io
import zipfile
from collections.abc import Iterator

from tests.unit.server.message.samples import File, Sample, quoted, sample

# A name and a file name in each of many scripts.
_SCRIPTS = {
    "latin": "Þórður Ñandú",
    "vietnamese": "Nguyễn Thị Hằng",
    "decomposed": "Zoe\u0308 Mu\u0308ller",
    "greek": "Ελένη Παπαδοπούλου",
    "cyrillic": "Їжак Щербаков",
    "armenian": "Արամ Խաչատրյան",
    "georgian": "შოთა რუსთაველი",
    "hebrew": "שָׁלוֹם כהן",
    "arabic": "محمد الأمين",
    "persian": "نام\u200cهای فارسی",
    "devanagari": "क्षत्रिय श्री",
    "bengali": "রবীন্দ্রনাথ ঠাকুর",
    "tamil": "தமிழ் ஸ்ரீ",
    "thai": "น้ำทิพย์ กุลวงศ์",
    "khmer": "ភាសាខ្មែរ",
    "amharic": "አማርኛ ፊደል",
    "chinese": "張偉 简体",
    "supplementary": "𠮷野家 𡈽屋",
    "japanese": "髙橋 カﾀｶﾅ",
    "korean": "김철수 ㄱㄴㄷ",
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇩🇪",
    "mathematical": "𝔄𝔡𝔞 𝓛",
    "direction": "a\u202eb\u202c \u200fc",
    "no-break": "a\u00a0b\u2003c\u3000d",
}
_HARD_NAMES = {
    "comma": "Müller, Jörg",
    "quotes": 'Jörg "der Große" Müller',
    "backslash": "Jörg \\ C:\\Größe",
    "ascii-backslash": 'C:\\dir\\ "x"',
    "brackets": "Jörg <Größe>",
    "parentheses": "Jörg (Vertrieb)",
    "colon": "Gruppe: Größe;",
    "at": "jörg@größe.example",
    "dots": "J. R. R. T.",
    "underscore": "größe_a_b",
    "question": "Größe? =?= ?=",
    "looks-encoded": "=?utf-8?q?x?= Größe",
    "percent": "100% Größe",
    "apostrophe": "O'Größe d'Été",
    "long": "Größe und Länge " * 16,
    "long-ascii": "long name " * 25 + "end",
    "long-word": "x" * 256,
    "long-chinese": "長" * 256,
    "long-emoji": "🎉" * 256,
    "blanks": "a   b    Größe   c",
    "ascii-blanks": "a   b",
    "one": "ß",
}
_UTF8_ADDRESSES = ["jörg@receiver.test", "用户@例え.test", "अजय@receiver.test", "δοκιμή@bücher.test"]
_BODIES = {
    "line-end": "\n",
    "blank": " ",
    "blank-lines": "\n\n\n\n",
    "lines-of-blanks": "   \n\t\t\n \t \n",
    "dot": ".",
    "dots": ".\n..\n...\n.a\n. \n.\t\n.",
    "dot-at-the-end": "text\n.\n",
    "from": "From me\nFrom you\n>From us\n from\nFrom ",
    "from-after-a-cut": "".join("ö" + "x" * (60 + no) + "From here on\n" for no in range(20)),
    "dot-after-a-cut": "".join("ö" + "x" * (60 + no) + "." * 12 + "\n" for no in range(20)),
    "line-of-997": "x" * 997,
    "line-of-998": "x" * 998,
    "line-of-999": "x" * 999,
    "one-long-line": "word " * 40_000 + "end",
    "one-long-word": "x" * 200_000,
    "one-long-chinese-line": "長い行" * 30_000,
    "quoted-printable": "=3D =20 =\n=\n= = =C3=B6\nsoft=\nbreak",
    "base64": "R3LDtsOfZQ==\n====\n",
    "boundary": "--=_\n----\n--\n-- \n--=_665f1c2a9b3e4d5f6a7b8c9d--",
    "controls": "".join(map(chr, range(1, 9))) + "\x0b\x0c\x0e\x1b[0m\x7f\x80\x85\x9f end",
    "separators": "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg",
    "byte-order-mark": "a\ufeffb",
    "no-characters": "\ufffd\ufffe\uffff\U0010ffff",
    "carriage-returns": "a\rb\r\nc\n\rd",
    "trailing-blanks": "a \nb\t\nc  \t \n" * 20,
    "tabs": "\ta\tb\t\n",
    "header": "Subject: x\nContent-Type: text/html\n\nbody",
    "many-lines": "a\n" * 70_000,
    "many-dot-lines": ".\n" * 70_000,
    "many-blank-lines": "\n" * 140_000 + "end",
    "many-trailing-blanks": "text with blanks   \t\n" * 8_000,
    "many-trailing-blanks-beyond-ascii": "Größe mit Leerzeichen   \t\n" * 8_000,
    "many-chinese-lines": "日本語の文 \n" * 12_000,
    **{f"script-{script}": f"{text}\n{text} \n" for script, text in _SCRIPTS.items()},
}
_INNER = "From: a@x.test\r\nSubject: =?utf-8?q?Gr=C3=B6=C3=9Fe?=\r\n"
_MIXED = (
    _INNER
    + 'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="in"\r\n\r\n'
    + "--in\r\nContent-Type: text/plain\r\n\r\nthe text\r\n"
    + "--in\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n"
    + "Content-Disposition: attachment; filename=a.pdf\r\n\r\nAAECAwQ=\r\n--in--\r\n"
)
_MESSAGES = {
    "parts": _MIXED,
    "message": _INNER + 'Content-Type: multipart/mixed; boundary="out"\r\n\r\n--out\r\n'
    f"Content-Type: message/rfc822\r\n\r\n{_MIXED}\r\n--out--\r\n",
    "8bit": _INNER + "Content-Type: text/plain; charset=utf-8\r\n\r\nGröße \r\n日本語\r\n",
    "header-beyond-ascii": "Subject: Größe\r\nTo: jörg@x.test\r\n\r\nthe text\r\n",
    "latin-1": _INNER + "Content-Type: text/plain; charset=iso-8859-1\r\n\r\n",
    "no-body": _INNER + "\r\n",
    "no-line-end": _INNER + "\r\nthe text",
    "dots": _INNER + "\r\n.\r\n..\r\n.a\r\n",
    "from": _INNER + "\r\nFrom me\r\n From you\r\n",
    "trailing-blanks": _INNER + "\r\na \r\nb\t\r\n   \r\nend\r\n",
    "many-lines": _INNER + "\r\n" + "a line of the message\r\n" * 9_000,
    "line-of-998": _INNER + "\r\n" + "x" * 998 + "\r\n",
}
_KINDS = {
    "report.pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "notes.txt": "Größe\nzweite Zeile \n.\nFrom here\n".encode(),
    "latin.txt": "Größe\r\n".encode("iso-8859-1"),
    "wide.txt": "Größe".encode("utf-16"),
    "mark.csv": "\ufeffName;Größe\r\n1;2\r\n".encode(),
    "page.html": "<!doctype html><meta charset=iso-8859-1><p>Größe</p>".encode(),
    "style.css": b"p { color: red }",
    "data.json": '{"größe": 1}'.encode(),
    "data.xml": b'<?xml version="1.0" encoding="utf-16"?><a/>',
    "invite.ics": b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n",
    "card.vcf": "BEGIN:VCARD\r\nFN:Jörg\r\nEND:VCARD\r\n".encode(),
    "sheet.xlsx": b"PK\x03\x04" + bytes(range(256)),
    "letter.docx": b"PK\x03\x04\x00",
    "slides.odp": b"PK\x03\x04\x01",
    "photo.jpg": b"\xff\xd8\xff\xe0",
    "photo.heic": b"\x00\x00\x00\x18ftypheic",
    "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "sound.mp3": b"ID3\x04",
    "film.mp4": b"\x00\x00\x00\x18ftypmp42",
    "archive.tar.gz": b"\x1f\x8b\x08",
    "key.asc": b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n",
    "smime.p7s": b"\x30\x82\x01",
    "script.js": b"alert(1)\n",
    "program.exe": b"MZ\x90\x00",
    "unknown.zzz": b"\x00\r\n.\r\n\x00",
    "README": b"no extension\n",
    ".htaccess": b"Deny from all\n",
    "empty.txt": b"",
}
_FILE_NAMES = [
    'a "quoted" name.pdf',
    "semicolon; comma, colon: equals=.pdf",
    "apostrophe's 'name'.pdf",
    "100%25 %41.pdf",
    "=?utf-8?q?Gr=C3=B6=C3=9Fe?=.pdf",
    "utf-8''name.pdf",
    "a*b*0*.pdf",
    "(comment) [brackets] {braces} <angles>.pdf",
    "two  blanks   and.pdf",
    "no extension",
    ".hidden",
    "dot.",
    "a.b.c.d.tar.gz",
    "tilde~ #hash $dollar &and !.pdf",
    "plus+minus-under_score.pdf",
    "'Größe'; \"x\", 100%.pdf",
    "größe=?x?=.pdf",
    "n" * 54 + ".pdf",
    "n" * 251 + ".pdf",
    "ß" * 251 + ".pdf",
    "長" * 251 + ".pdf",
    "🎉" * 251 + ".pdf",
    "long name with blanks " * 11 + ".pdf",
]
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
    for kind, name in {**_SCRIPTS, **_HARD_NAMES}.items():
        name = name.strip()
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
    for no, address in enumerate(_UTF8_ADDRESSES):
        local = address.partition("@")[0]
        yield sample(f"smtputf8-to-{no}", to=[address, "bob@receiver.test"], subject="Größe", text="Hi")
        yield sample(
            f"smtputf8-all-{no}",
            sender=quoted("Größe, Jörg", f"{local}@sender.test"),
            to=[quoted("山田 太郎", address), quoted("Ada", f'"{local} x"@receiver.test'), *_UTF8_ADDRESSES],
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
    for kind, name in {**_SCRIPTS, **_HARD_NAMES}.items():
        value = quoted(name.strip(), "box@bücher.test")
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
            "List-Help": "<https://bücher.test/größe?a=ö>, <mailto:help@x.test?subject=h>",
            "List-Archive": "https://x.test/a",
            "List-Owner": "<mailto:a@x.test> (Contact)",
        },
        shown={
            "list-post": "<mailto:list@xn--bcher-kva.test>",
            "list-help": "<https://xn--bcher-kva.test/gr%C3%B6%C3%9Fe?a=%C3%B6>, <mailto:help@x.test?subject=h>",
            "list-archive": "<https://x.test/a>",
        },
        text="Hi",
    )


def _with_bodies() -> Iterator[Sample]:
    yield sample("body-none")
    yield sample("body-none-and-file", files=[File("a.pdf", b"a")])
    for kind, body in _BODIES.items():
        yield sample(f"text-{kind}", text=body)
        yield sample(f"html-{kind}", html=body)
        yield sample(f"body-{kind}", text=body, html=body, files=[File("a.pdf", b"a")])


def _with_messages() -> Iterator[Sample]:
    for kind, inner in _MESSAGES.items():
        raw = inner.encode() if kind != "latin-1" else inner.encode() + b"Gr\xf6\xdfe\r\n"
        yield sample(f"message-{kind}", text="See below.", files=[File("forwarded Größe.eml", raw)])
        yield sample(
            f"message-{kind}-among", html="<p>x</p>", files=[File("a.eml", raw), File("b.pdf", b"b")]
        )
    binary = _INNER.encode() + b"\r\na\x00b\r\n"
    long = _INNER.encode() + b"\r\n" + b"x" * 2_000 + b"\r\n"
    for kind, raw in {"binary": binary, "long-line": long, "empty": b""}.items():
        file = File("raw.eml", raw, shown_type="application/octet-stream")
        yield sample(f"message-{kind}", text="See below.", files=[file])
    raw = _MESSAGES["header-beyond-ascii"].encode()
    yield sample("message-global", text="x", files=[File("größe.u8msg", raw, "message/global")])


def _with_files() -> Iterator[Sample]:
    kinds = list(_KINDS.items())
    for no in range(0, len(kinds), 10):
        yield sample(f"files-{no}", text="Hi", files=[File(*each) for each in kinds[no : no + 10]])
    for name, content in kinds:
        yield sample(f"file-{name}", html="<p>Hi</p>", files=[File(name, content)])
    for script, text in _SCRIPTS.items():
        yield sample(f"file-name-{script}", text="Hi", files=[File(f"{text}.pdf", b"pdf"), File(text, b"x")])
    for no, name in enumerate(_FILE_NAMES):
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
