"""Exceptions and the memory of the calls that they end."""

from traceback import clear_frames

from server.faults import Unavailable


def release(error: BaseException) -> None:
    """Empties the frames that an exception and those behind it have passed: they hold the request.

    Context managers keep the frames in cycles, and Python seldom looks for those among old objects: megabytes
    of each refused request would stay until then.

    An outage is left alone. Calls that it ends together share its exception, and to empty the frames of one
    that is not over would end it.
    """
    if isinstance(error, Unavailable):
        return
    behind: BaseException | None = error
    while behind is not None:
        clear_frames(behind.__traceback__)
        behind = behind.__cause__ or behind.__context__


def without_frames(error: Exception) -> Exception:
    """The exception that ends a call, without the frames that it passed and the exceptions behind it.

    gRPC keeps it for ever, in an object that refers to itself and that Python cannot find.
    """
    error.__context__ = error.__cause__ = None
    return error.with_traceback(None)
