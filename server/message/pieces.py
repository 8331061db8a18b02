"""Passes over large messages, piece by piece: one pass over all of it would keep every other thread waiting,
as Python's lock is held meanwhile."""

from collections.abc import Iterator

PIECE = 1 << 20


def pieces(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The places of the pieces between two places."""
    return ((at, min(at + PIECE, end)) for at in range(start, end, PIECE))


def count(message: bytes, wanted: bytes) -> int:
    """The number of times that bytes stand in a message; they may not overlap themselves."""
    beyond = len(wanted) - 1
    return sum(message.count(wanted, start, end + beyond) for start, end in pieces(0, len(message)))


def find(message: bytes, wanted: bytes, start: int, end: int) -> int:
    """The first place between two places where bytes stand; -1 if there is none."""
    beyond = len(wanted) - 1
    for at, after in pieces(start, end):
        found = message.find(wanted, at, min(after + beyond, end))
        if found >= 0:
            return found
    return -1


def replaced(message: bytes, old: bytes, new: bytes) -> bytes:
    """The message with an octet replaced."""
    return b"".join(message[start:end].replace(old, new) for start, end in pieces(0, len(message)))
