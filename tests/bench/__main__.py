"""`python -m tests.bench [NAMES]`: measures, and prints one table and the machine's description."""

import argparse
import asyncio
import importlib
import inspect
import os
import platform
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.figure import Figure, table

# The module that measures each figure, in the order of the table.
MODULES = {
    "B1": "tests.bench.rest",
    "B2": "tests.bench.rpc",
    "B3": "tests.bench.rest",
    "B4": "tests.bench.delivery",
    "B5": "tests.bench.memory",
    "B6": "tests.bench.volume",
    "B7": "tests.bench.memory",
    "B9": "tests.bench.binding",
    "B11": "tests.bench.imports",
    "B12": "tests.bench.relay",
}
SYNCS = 200


async def measure(names: list[str]) -> list[Figure]:
    """The figures of these names."""
    figures: list[Figure] = []
    for module in dict.fromkeys(MODULES[name] for name in names):
        print(f"measuring {module.rpartition('.')[2]} …", file=sys.stderr, flush=True)
        measured = importlib.import_module(module).measure()
        figures += await measured if inspect.isawaitable(measured) else measured
    return sorted((figure for figure in figures if figure.number in names), key=lambda f: int(f.number[1:]))


def machine() -> str:
    """The machine and versions that the figures depend on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GiB memory, "
        f"fsync of 4 KiB {_sync_us():.0f} µs, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}; load generators and receivers on the same machine."
    )


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if not information.is_file():
        return platform.machine()
    models = [
        line.partition(":")[2].strip()
        for line in information.read_text().splitlines()
        if line.startswith("model name")
    ]
    return models[0] if models else platform.machine()


def _sync_us() -> float:
    with tempfile.TemporaryFile(buffering=0) as file:
        begin = time.perf_counter()
        for _ in range(SYNCS):
            file.write(bytes(4096))
            os.fsync(file.fileno())
        return (time.perf_counter() - begin) / SYNCS * 1e6


def main() -> None:
    """Measures what the command line names, or all."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*MODULES, []], metavar="NAME", help=", ".join(MODULES))
    names = parser.parse_args().names or list(MODULES)
    figures = asyncio.run(measure(names))
    print(f"{table(figures)}\n\n{machine()}")


if __name__ == "__main__":
    main()
