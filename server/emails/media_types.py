"""The media type of a file: what its source says, or else what its name's ending suggests."""

import mimetypes

from server.emails.rules import is_media_type

UNKNOWN = "application/octet-stream"
# What servers say of files that they know nothing of.
_MEANINGLESS = frozenset({UNKNOWN, "binary/octet-stream", "application/binary", "application/x-unknown"})
# The table of the language alone: the same name means the same on every machine.
_TYPES = mimetypes.MimeTypes(filenames=())
_COMPRESSED = {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}


def media_type_of(filename: str) -> str:
    """What the ending of a name suggests."""
    guessed, compression = _TYPES.guess_type(f"file:///{filename}", strict=False)
    if compression is not None:
        return _COMPRESSED.get(compression, UNKNOWN)
    return guessed if guessed is not None and is_media_type(guessed) else UNKNOWN


def media_type_told(content_type: str, filename: str) -> str:
    """What a response told about its file, if that means anything, else what the name suggests."""
    told = content_type.strip()
    kind = told.partition(";")[0].strip().lower()
    return told if is_media_type(told) and kind not in _MEANINGLESS else media_type_of(filename)
