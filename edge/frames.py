"""Failures and the memory of the requests that they end."""

from __future__ import annotations

from traceback import clear_frames


def release(error: BaseException) -> None:
    """Empties the frames that an exception and those behind it have passed: they hold the request's body.

    A frame that refers to its exception is a cycle, and Python seldom looks for those among old objects.
    """
    behind: BaseException | None = error
    while behind is not None:
        clear_frames(behind.__traceback__)
        behind = behind.__cause__ or behind.__context__
