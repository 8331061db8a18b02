"""The media types of files: their grammar, and the type for a file name or an HTTP response."""

import mimetypes
import re

MAX_LENGTH = 255  # characters
UNKNOWN = "application/octet-stream"
# RFC 2045 section 5.1, with RFC 6838's length and characters of a name.
_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
_ATOM = r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+"
_PARAMETER = rf'{_ATOM}=(?:{_ATOM}|"[ !#-\[\]-~]*")'
_MEDIA_TYPE = re.compile(rf"{_NAME}/{_NAME}(?:[ \t]*;[ \t]*{_PARAMETER})*[ \t]*;?[ \t]*\Z")
_PARTS = re.compile(rf"{_NAME}/{_NAME}|{_PARAMETER}")
# The types that servers use for files of unknown type.
_MEANINGLESS = frozenset({UNKNOWN, "binary/octet-stream", "application/binary", "application/x-unknown"})
# Python's own table, without the machine's files: the same name has the same type on every machine.
_TYPES = mimetypes.MimeTypes(filenames=())
_COMPRESSED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}


def is_media_type(text: str) -> bool:
    """True if an attachment may have this media type.

    `multipart` and `message` are excluded: their content must not be in base64 (RFC 2046 sections 5.1 and
    5.2.1).
    """
    return (
        len(text) <= MAX_LENGTH
        and _MEDIA_TYPE.match(text) is not None
        and not text.lower().startswith(("multipart/", "message/"))
    )


def parts_of(media_type: str) -> list[str]:
    """The type with its subtype, then each parameter, of a valid media type."""
    return _PARTS.findall(media_type)


def media_type_of(filename: str) -> str:
    """The media type by the extension of a file name."""
    guessed, compression = _TYPES.guess_type(f"file:///{filename}", strict=False)
    if compression is not None:
        return _COMPRESSED.get(compression, UNKNOWN)
    return guessed if guessed is not None and is_media_type(guessed) else UNKNOWN


def media_type_in_response(content_type: str, filename: str) -> str:
    """The media type of a fetched file: its Content-Type, or that of its name if the type is unknown."""
    stated = content_type.strip()
    kind = stated.partition(";")[0].strip().lower()
    return stated if is_media_type(stated) and kind not in _MEANINGLESS else media_type_of(filename)
