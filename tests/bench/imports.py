"""B11: a large file of contacts from upload to answer, and the memory that it takes.

The file has as many rows as the largest plan allows in one import. Memory is that of the server and of the
process that reads the file, together, at its highest, above the idle server.
"""

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from tests.bench.figure import Figure, Target
from tests.bench.programs import running
from tests.harness.organisations import Kind
from tests.harness.stack import Stack

ROWS = 50_000
SAMPLE_S = 0.01
FIRST_NAMES = ("Ada", "Grace", "Núria", "Søren", "Chloé")
LAST_NAMES = ("Lovelace", "Hopper", "de la Cruz", "Ångström", "O'Neill", "Weiß", "Smith")


class EnterpriseStack(Stack):
    """A stack with an organisation that may import the most rows."""

    def __init__(self, data_dir: Path, *, transport: str, database_url: str | None) -> None:
        kinds = {"large": Kind(["--plan", "enterprise"])}
        super().__init__(data_dir, transport=transport, database_url=database_url, kinds=kinds)


async def measure() -> list[Figure]:
    """One stack, and one file with all of its contacts new."""
    return await asyncio.to_thread(_measured)


def _measured() -> list[Figure]:
    with running(EnterpriseStack, "capture") as stack:
        _import(stack, rows=1)
        pid = stack.server_pid()
        idle = _resident([pid])
        with _highest(pid) as highest:
            cpu = _cpu_s(pid)
            begin = time.perf_counter()
            _import(stack, rows=ROWS)
            seconds = time.perf_counter() - begin
            cpu = _cpu_s(pid) - cpu
    above = max(highest) - idle
    return [
        Figure(
            "B11",
            f"import of {ROWS:,} rows of CSV, SQLite; {cpu:.2f} s of the processor",
            seconds,
            "s",
            target=Target(3, of="measured", bound="at most"),
        ),
        Figure(
            "B11",
            "resident memory of it: server and reader of files, above idle",
            above,
            "MB",
            target=Target(100, of="measured", bound="at most"),
        ),
    ]


def _import(stack: Stack, rows: int) -> None:
    lines = [
        f"{FIRST_NAMES[row % 5]} {LAST_NAMES[row % 7]},person-{row}-of-{rows}@example.org,2026-01-01,Yes"
        for row in range(rows)
    ]
    content = "\r\n".join(["Name,Email address,Joined,Opted in", *lines]).encode()
    headers = {"authorization": f"Bearer {stack.orgs['large'].jwt}", "content-type": "text/csv"}
    with httpx.Client(base_url=stack.http, headers=headers, timeout=60) as session:
        answer = session.post("/v1/contacts/import/file", params={"newListName": "All"}, content=content)
    assert answer.json()["added"] == rows, answer.text


@contextmanager
def _highest(pid: int) -> Iterator[list[float]]:
    """The samples of the memory of a process and its children, in MB, taken until the end."""
    samples: list[float] = []
    ended = threading.Event()

    def sample() -> None:
        while not ended.wait(SAMPLE_S):
            samples.append(_resident([pid, *_children(pid)]))

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield samples
    finally:
        ended.set()
        sampler.join()


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        # A thread may end meanwhile.
        with suppress(OSError):
            found += map(int, (task / "children").read_text().split())
    return found


def _resident(pids: list[int]) -> float:
    """The memory of processes in MB, as Linux tells it; nothing for one that has ended."""
    size = 0
    for pid in pids:
        with suppress(OSError):
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            size += sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
    return size / 1024


def _cpu_s(pid: int) -> float:
    """The seconds of the processor that a process and its ended children have used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")
