"""The file descriptors of this process: the limit on them, shares of it, and the errors at its end."""

import errno
import resource

import structlog

# The limit that is set where the system allows any number: more than this process can use.
_ENOUGH = 65_536
# This process or machine lacks something: the other side of the connection or the disk did nothing wrong.
_OURS = frozenset(
    (
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOBUFS,
        errno.ENOMEM,
        errno.ENOSPC,
        errno.EDQUOT,
    )
)
_log = structlog.get_logger()


class Exhausted(Exception):
    """This process or machine has no descriptor, port, memory or disk space left for a step."""


def raise_limit() -> int:
    """Raises the soft limit of open files to the hard one; returns the limit that is then in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError) as error:
            _log.warning("the limit of open files cannot be raised", limit=soft, reason=str(error))
    return limit()


def limit() -> int:
    """The most descriptors that this process may have open at once."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _ENOUGH if soft == resource.RLIM_INFINITY else soft


def at_most(wanted: int, *, part: int) -> int:
    """The number `wanted`, or less so that it is no more than one `part`th of the limit; at least one."""
    return max(1, min(wanted, limit() // part))


def is_exhaustion(error: BaseException | None, address: str = "") -> bool:
    """True if an error means that this process or machine lacks something. `address` is the IP address of
    the connection that failed, if there was one.
    """
    if isinstance(error, Exhausted):
        return True
    if not isinstance(error, OSError):
        return False
    # All ports are in use. On IPv6 the same error says that this machine has no such address at all.
    no_port = error.errno == errno.EADDRNOTAVAIL and address != "" and ":" not in address
    return no_port or error.errno in _OURS
