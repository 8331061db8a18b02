"""Files of contacts, read by a process of their own (contract rows Z-50, Z-51, C-65)."""

import asyncio
import os
import sys

import orjson
import structlog

from server.contacts import file_program
from server.contacts.import_rules import Entry, Rows
from server.faults import ValidationFailed, Violation

_log = structlog.get_logger()
# Seconds for one file, beside those of the processor.
_MAX_S = 25.0
# Files that are read at the same time: each takes a processor and memory.
_MAX_READERS = 2
_UNREADABLE = "cannot be read: it is damaged, or too large when it is unpacked"


class FileReader:
    """Reads files of contacts, two at a time."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(_MAX_READERS)

    async def rows(self, content: bytes, most: int | None) -> Rows:
        """The rows of a file, the first `most` of them with their contacts. Raises `ValidationFailed`."""
        async with self._places:
            output = await _run(content, [] if most is None else [str(most)])
        answer = orjson.loads(output) if output else {"wrong": _UNREADABLE}
        if "wrong" in answer:
            raise ValidationFailed([Violation("content", answer["wrong"])])
        return Rows(**answer | {"entries": [Entry(*each) for each in answer["entries"]]})


async def _run(content: bytes, arguments: list[str]) -> bytes:
    """The output of the program, empty if it failed or took too long."""
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
        return b""
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        _log.warning("a file of contacts was not read", exit_code=process.returncode)
        return b""
    return output
