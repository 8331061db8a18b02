"""Trials: faults are put into copies of the tree, and tests run there until one notices."""

import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from tests.harness.memory_disk import memory_disk
from tools.mutants.coverage_map import CACHE, FOLDERS
from tools.mutants.faults import Fault

# The most that the tests of one fault take without it; the rest is left out, in turns between their files.
BUDGET_S = 90.0
# A fault that makes tests wait for ever is noticed after this many times their time, and a start.
_SLOWER, _START_S, _TEST_WITHIN_S = 4, 60.0, 60
_LEFT_OUT = (".git", ".venv", CACHE, "data", "node_modules", ".mypy_cache", ".ruff_cache", ".hypothesis")
_SELECTED = "selected-tests.txt"


@dataclass(frozen=True)
class Trial:
    """The result of a fault: the test that noticed it, "" if none did. `tests` ran or would have."""

    fault: Fault
    noticed_by: str
    tests: int
    all_tests: int


def chosen(tests: Mapping[str, float], path: str, budget_s: float = BUDGET_S) -> list[str]:
    """The tests to run for a fault in a file, in order: first files named alike, then the cheapest."""
    files: dict[str, list[str]] = defaultdict(list)
    # The same tests on PostgreSQL take longer, and notice seldom more.
    for test in sorted(tests, key=lambda test: (_is_repeated(test, tests), tests[test], test)):
        files[test.partition("::")[0]].append(test)
    ranked = sorted(files, key=lambda name: _rank(name, path))
    found: list[str] = []
    left_s = budget_s
    # One test of each file, then another of each: a file with many tests leaves room for others.
    for turn in zip_longest(*(files[name] for name in ranked)):
        for test in turn:
            if test is not None and (tests[test] <= left_s or not found):
                found.append(test)
                left_s -= tests[test]
    order = {name: number for number, name in enumerate(ranked)}
    return sorted(found, key=lambda test: order[test.partition("::")[0]])


def _is_repeated(test: str, tests: Mapping[str, float]) -> bool:
    """True for a test on PostgreSQL that runs on SQLite too."""
    return "[postgresql" in test and test.replace("[postgresql", "[sqlite") in tests


def _rank(name: str, path: str) -> tuple[int, int, str]:
    words = {word.rstrip("s") for part in Path(path).with_suffix("").parts[1:] for word in part.split("_")}
    alike = {word.rstrip("s") for word in Path(name).stem.split("_")} & words
    return -len(alike), FOLDERS.index(Path(name).parts[1]), name


@contextmanager
def copied(root: Path) -> Iterator[Path]:
    """A copy of the tree in memory, which is removed after use. It uses the same environment."""
    folder = Path(tempfile.mkdtemp(prefix="zidimail-mutants-", dir=memory_disk()))
    try:
        copy = folder / "tree"
        shutil.copytree(root, copy, ignore=shutil.ignore_patterns(*_LEFT_OUT), symlinks=True)
        (copy / ".venv").symlink_to(root / ".venv")
        yield copy
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(copy: Path, fault: Fault, tests: Sequence[str], seconds: float, postgres: str) -> str:
    """Puts a fault into a copy for a run of tests; the test that noticed, or ""."""
    path = copy / fault.path
    kept = copy / ".kept"
    shutil.copy2(path, kept)
    try:
        path.write_text(fault.text())
        return _failed(copy, tests, seconds, postgres)
    finally:
        # With its time, by which its bytecode is valid.
        shutil.copy2(kept, path)


def _failed(copy: Path, tests: Sequence[str], seconds: float, postgres: str) -> str:
    (copy / _SELECTED).write_text("\n".join(tests))
    command = (
        *("pytest", "-x", "-q", "--tb=no", "-p", "no:cacheprovider", f"--timeout={_TEST_WITHIN_S}"),
        f"@{_SELECTED}",
    )
    env = os.environ | {
        "PYTHONPATH": f"{copy}{os.pathsep}{copy / 'generated'}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "ZIDIMAIL_TEST_POSTGRES_URL": postgres,
        "TMPDIR": str(copy.parent),
    }
    with subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=copy,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=seconds * _SLOWER + _START_S)
        except subprocess.TimeoutExpired:
            return "time-out"
        finally:
            # Also the servers that a test started.
            _kill_group(process.pid)
    if process.returncode == 0:
        return ""
    failures = [line for line in output.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failures[0].split(" - ")[0].partition(" ")[2] if failures else "the tests did not start"


def _kill_group(pid: int) -> None:
    """Kills a process and those that it started."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def trials(
    root: Path, faults: Sequence[tuple[Fault, Mapping[str, float]]], workers: int, postgres: str
) -> Iterator[Trial]:
    """The result of each fault, as they come. Each worker has a copy of the tree."""
    waiting: queue.SimpleQueue[tuple[Fault, Mapping[str, float]]] = queue.SimpleQueue()
    done: queue.SimpleQueue[Trial | BaseException] = queue.SimpleQueue()
    for one in faults:
        waiting.put(one)
    ended = threading.Event()

    def work(copy: Path) -> None:
        while not ended.is_set():
            try:
                fault, tests = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                selected = chosen(tests, fault.path)
                seconds = sum(tests[test] for test in selected)
                noticed = run(copy, fault, selected, seconds, postgres) if selected else ""
                done.put(Trial(fault, noticed, len(selected), len(tests)))
            except BaseException as error:
                done.put(error)
                return

    with ExitStack() as stack:
        copies = [stack.enter_context(copied(root)) for _ in range(workers)]
        threads = [threading.Thread(target=work, args=(copy,)) for copy in copies]
        for thread in threads:
            thread.start()
        try:
            for _ in faults:
                result = done.get()
                if isinstance(result, BaseException):
                    raise result
                yield result
        finally:
            ended.set()
            for thread in threads:
                thread.join()
