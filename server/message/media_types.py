"""The media types of files: their grammar, and the type for a file name or an HTTP response."""

import re
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources

MAX_LENGTH = 255  # characters
UNKNOWN = "application/octet-stream"
# RFC 2045 section 5.1, with RFC 6838's length and characters of a name.
_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
_TYPE = re.compile(rf"[ \t]*({_NAME}/{_NAME})[ \t]*(?=;|\Z)")
_WORD = r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+"
# A parameter may be empty, its value may be quoted, and programs write blanks around the equals sign.
_QUOTED = r'"((?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[ -~\t])*+)"'
_PARAMETER = re.compile(rf";[ \t]*(?:({_WORD})[ \t]*=[ \t]*(?:({_WORD})|{_QUOTED}))?[ \t]*(?=;|\Z)")
_QUOTED_PAIR = re.compile(r"\\(.)")
_PRINTABLE = re.compile(r"[ -~\t]*\Z")
# Parameters that repeat the file's name: it is written from the name itself.
_NAMES = re.compile(r"name(?:\*.*)?\Z")
# Content that must not be in base64 (RFC 2046 sections 5.1 and 5.2), or that is not in the message at all.
_NOT_OF_FILES = ("multipart/", "message/partial", "message/external-body")
# The types that servers use for files of unknown type.
_MEANINGLESS = frozenset({UNKNOWN, "binary/octet-stream", "application/binary", "application/x-unknown"})


def is_media_type(text: str) -> bool:
    """True if an attachment may have this media type."""
    return bool(parts_of(text))


@lru_cache(maxsize=1024)
def parts_of(media_type: str) -> tuple[str, ...]:
    """The type with its subtype, then each parameter as it is written (RFC 2045 section 5.1).

    A parameter `name` is left out. Empty for a text that is no media type of a file.
    """
    begin = _TYPE.match(media_type)
    if begin is None or len(media_type) > MAX_LENGTH or begin[1].lower().startswith(_NOT_OF_FILES):
        return ()
    written = {}
    at = begin.end()
    while at < len(media_type):
        found = _PARAMETER.match(media_type, at)
        if found is None:
            return ()
        at = found.end()
        name, token, quoted = found.groups()
        if name is None or _NAMES.match(name.lower()):
            continue
        value = token if token is not None else _QUOTED_PAIR.sub(r"\1", quoted)
        if not _PRINTABLE.match(value) or name.lower() in written:
            return ()
        written[name.lower()] = f"{name}={token if token is not None else quoted_string(value)}"
    return (begin[1], *written.values())


def quoted_string(text: str) -> str:
    """A text in quotes (RFC 5322 section 3.2.4)."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def media_type_of(filename: str) -> str:
    """The media type by the extension of a file name, the same on every machine."""
    stem, _, extension = filename.rpartition(".")
    return _TYPES.get(extension.lower(), UNKNOWN) if stem else UNKNOWN


def media_type_in_response(content_type: str, filename: str) -> str:
    """The media type of a fetched file: its Content-Type, or that of its name if the type is unknown."""
    stated = content_type.strip()
    kind = stated.partition(";")[0].strip().lower()
    return stated if is_media_type(stated) and kind not in _MEANINGLESS else media_type_of(filename)


def _read_types() -> Iterator[tuple[str, str]]:
    table = resources.files(__package__).joinpath("media_types.txt").read_text("ascii")
    for line in table.splitlines():
        if line and not line.startswith("#"):
            media_type, *extensions = line.split()
            yield from ((extension, media_type) for extension in extensions)


_TYPES = dict(_read_types())
