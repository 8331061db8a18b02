"""Files of contacts, read by a process of their own (contract rows Z-50, Z-51, C-65)."""

import asyncio
import os
import signal
import sys

import orjson
import structlog

from server.contacts import file_program
from server.contacts.import_rules import Entry, Rows
from server.faults import ValidationFailed, Violation
from server.owner import current_owner
from server.turns import Turns

_log = structlog.get_logger()
# Seconds for one file, beside those of the processor.
_MAX_S = 25.0
# Files that are read at the same time, of different organisations: each takes a processor and memory.
_MAX_READERS = 2
_UNREADABLE = "cannot be read: it is damaged, or too large when it is unpacked"
_TOO_SLOW = "cannot be read: that takes too long. Save it as CSV, or import it in parts"


class FileReader:
    """Reads files of contacts, two at a time and one of each organisation."""

    def __init__(self) -> None:
        self._places = Turns(_MAX_READERS, most=1)

    async def rows(self, content: bytes, most: int | None) -> Rows:
        """The rows of a file, the first `most` of them with their contacts. Raises `ValidationFailed`."""
        async with self._places.of(current_owner()):
            output = await _run(content, [] if most is None else [str(most)])
        answer = orjson.loads(output)
        if "wrong" in answer:
            raise ValidationFailed([Violation("content", answer["wrong"])])
        return Rows(**answer | {"entries": [Entry(*each) for each in answer["entries"]]})


async def _run(content: bytes, arguments: list[str]) -> bytes:
    """The output of the program, or what it would say if it could of a file that ended it."""
    # Nothing of the environment: it has secrets.
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        file_program.__name__,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)},
    )
    try:
        async with asyncio.timeout(_MAX_S):
            output, _ = await process.communicate(content)
    except TimeoutError:
        return _refusal(_TOO_SLOW)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        _log.warning("a file of contacts was not read", exit_code=process.returncode)
        return _refusal(_TOO_SLOW if process.returncode == -signal.SIGXCPU else _UNREADABLE)
    return output


def _refusal(wrong: str) -> bytes:
    return orjson.dumps({"wrong": wrong})
