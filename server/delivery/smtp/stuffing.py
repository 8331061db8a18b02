"""Dot-stuffing in chunks, so that a large message is not copied for each connection."""

from collections.abc import Iterator, Sequence

# The bytes of a chunk before it is stuffed.
CHUNK = 262_144


def stuffed(pieces: Sequence[bytes | memoryview]) -> Iterator[bytes]:
    """The pieces of a message, of which each begins a line, with another dot before each dot that begins one.

    RFC 5321 section 4.5.2; the lines end in CRLF.
    """
    for piece in pieces:
        start = 0
        at_line = True
        while start < len(piece):
            end = start + CHUNK
            # No CRLF is divided, so that the next chunk begins a line or is in the middle of one.
            if piece[end - 1 : end] == b"\r":
                end += 1
            chunk = bytes(piece[start:end])
            if at_line and chunk.startswith(b"."):
                chunk = b"." + chunk
            at_line = chunk.endswith(b"\r\n")
            yield chunk.replace(b"\r\n.", b"\r\n..")
            start = end
