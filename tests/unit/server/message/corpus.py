"""Generated messages with their expected content: each combines names, scripts, headers, bodies and files.

The same seed makes the same messages. The kinds that are hardest to write are in `hard_messages.py`.
"""

import itertools
import random
from collections.abc import Iterator

from tests.unit.server.message.hard_messages import hard_messages
from tests.unit.server.message.samples import File, Sample, quoted, sample

SIZE = 180
_SEED = 9
_NAMES = [
    *(
        "",
        "Ada",
        "Ada Lovelace",
        "Größe",
        "Doe, Jane",
        'Ada "Countess" L',
        "山田 太郎",
        "Иван Петров",
        "مرحبا",
    ),
    *(
        "O'Neil (Sales)",
        "a@b.example",
        "📦 Parcels",
        "=?utf-8?q?J=C3=B6rg?=",
        "Ｆｕｌｌ ｗｉｄｔｈ " * 6 + "name",
        "x" * 90,
    ),
]
_ADDRESSES = [
    "bob@receiver.test",
    "a+b@bücher.test",
    "a..b@docomo.test",
    "very." + "long." * 10 + "x@receiver.test",
]
_SUBJECTS = [
    *(
        "Your receipt",
        "Größe",
        "ご注文の確認 " * 12,
        "Счёт №42",
        "🎉" * 60,
        "a =?b",
        "w" * 300,
        "two  blanks\tand a tab",
    ),
    *("=?utf-8?b?R3LDtsOfZQ==?=", "long words " * 30 + "end"),
]
_LINES = [
    "plain",
    "blanks at the end   ",
    "\tindented  twice",
    "From here",
    ".",
    "",
    "-- ",
    "Größe",
    "日本語の文",
    "x" * 1200,
]
_HEADERS: list[dict[str, str]] = [
    {},
    {"X-Note": "Größe " * 20, "X-Gap": "a" + " " * 1000 + "b"},
    {"List-Unsubscribe": f"<https://x.test/{'t' * 300}>,<mailto:u@x.test>", "List-ID": "Größe <news.x.test>"},
    {"References": " ".join(f"<{no}.{'r' * 40}@x.test>" for no in range(20)), "In-Reply-To": "<19@x.test>"},
    {"X-Encoded": "=?iso-8859-1?q?Gr=F6=DFe?=", "Feedback-ID": "1:2:3:x"},
]
_FILE_NAMES = [
    "invoice.pdf",
    "Größe.txt",
    "請求書 2026.xlsx",
    'a "b"; c.csv',
    "n" * 200 + ".bin",
    "photo.heic",
    "it's 100%.md",
]
_SHOWN = {
    "list-unsubscribe": f"<https://x.test/{'t' * 300}>, <mailto:u@x.test>",
    "x-encoded": "Größe",
}
_INNER = "Subject: inner\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{} \r\nend\r\n"


def corpus() -> Iterator[Sample]:
    """The messages."""
    chance = random.Random(_SEED)
    # Each name, subject, set of headers and kind of body is used, each time among others.
    columns = [
        itertools.cycle(chance.sample(values, len(values))) for values in (_NAMES, _SUBJECTS, _HEADERS)
    ]
    for no in range(SIZE):
        name, subject, headers = (next(column) for column in columns)
        assert isinstance(name, str)
        assert isinstance(subject, str)
        assert isinstance(headers, dict)
        yield _combined(no, chance, name, subject, headers)
    yield from hard_messages()


def _combined(no: int, chance: random.Random, name: str, subject: str, headers: dict[str, str]) -> Sample:
    to = [quoted(chance.choice(_NAMES), address) for address in chance.sample(_ADDRESSES, no % 4 + 1)]
    text = "" if no % 5 == 1 else _body(chance, 200_000 if no % 30 == 0 else 400)
    html = f"<p>{_body(chance, 300_000 if no % 45 == 0 else 400)}</p>" if no % 5 else ""
    files = [_file(chance) for _ in range(no % 4 if no % 2 else 0)]
    if no % 20 == 7:
        files.append(File("forwarded.eml", _INNER.format("Größe" if no % 40 == 7 else "plain").encode()))
    return sample(
        f"{no:03d}",
        sender=quoted(name, "ada@sender.test"),
        to=to,
        reply_to=[quoted(name, "reply@bücher.test")] if no % 3 == 0 else [],
        subject=subject,
        text=text,
        html=html,
        headers=headers,
        shown=_SHOWN,
        files=files,
    )


def _body(chance: random.Random, size: int) -> str:
    lines: list[str] = []
    length = 0
    while length < size:
        lines.append(chance.choice(_LINES))
        length += len(lines[-1]) + 1
    return "\n".join([*lines, "the end"])


def _file(chance: random.Random) -> File:
    size = chance.choice([0, 1, 56, 57, 58, 5_000, 150_000])
    return File(chance.choice(_FILE_NAMES), chance.randbytes(size))
