"""The organisation for which the present task works, whose turn it waits for where resources are shared."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# The work of the platform itself has the empty name.
_owner: ContextVar[str] = ContextVar("owner", default="")


def current_owner() -> str:
    """The id of the organisation, empty for the platform's own work."""
    return _owner.get()


def set_current_owner(org_id: str) -> None:
    """Sets the organisation for the rest of this task's context; tasks that it begins inherit it."""
    _owner.set(org_id)


@contextmanager
def working_for(org_id: str) -> Iterator[None]:
    """Sets the organisation for the time of the block."""
    token = _owner.set(org_id)
    try:
        yield
    finally:
        _owner.reset(token)
