"""Texts of failed connections for callers: they name no address, which would map a private network."""

import os
import ssl


def system_text(error: BaseException, otherwise: str) -> str:
    """The system's own text of an error, without the address that asyncio writes into it.

    `otherwise` is for an error that the system has no text for.
    """
    if isinstance(error, ssl.SSLError):
        return str(error)
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number and number > 0 else otherwise
