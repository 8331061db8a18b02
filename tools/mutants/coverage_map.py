"""A map of the lines of the product to the tests that run them, made by one measured run of all tests."""

import difflib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property
from pathlib import Path

from coverage import CoverageData

from tools.mutants.contexts import OUTCOMES
from tools.mutants.faults import product_files

# The cheapest first. Tests of other folders measure, or need programs of other languages.
FOLDERS = (
    "unit", "store", "rpc", "webhooks", "delivery", "rest", "zsend", "smtp", "contract", "acceptance",
)  # fmt: skip
CACHE = ".mutants"
# A map of other tests is used for a while: a run of all tests takes longer than that of forty faults.
MAX_AGE_S = 7 * 24 * 3600
_FILE_WITHIN_S = 900
_SETTINGS = """
[run]
data_file = {data}
parallel = true
patch = subprocess, _exit
sigterm = true
source =
    {root}/server
    {root}/edge
"""


class CoverageMap:
    """The map of a tree. Paths are relative to it; a test is named by pytest's id."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / CACHE
        self._numbers = cache(self._numbers_then)
        self._contexts = cache(lambda lines, path: lines.contexts_by_lineno(str(root / path)))

    @property
    def is_fresh(self) -> bool:
        """True if there is a map of this tree that is not old."""
        made = self._folder / "made"
        return made.exists() and time.time() - made.stat().st_mtime < MAX_AGE_S

    def make(self, workers: int, only: Sequence[str] = ()) -> None:
        """Runs every file of tests, each measured in a process of its own. `only` keeps the rest of the map.

        A file whose text and result are those of the last run is not run again.
        """
        self._folder.mkdir(exist_ok=True)
        tree = self._keep_tree()
        files = only or [
            str(path.relative_to(self._root))
            for folder in FOLDERS
            for path in sorted((self._root / "tests" / folder).rglob("test_*.py"))
        ]
        with ThreadPoolExecutor(workers) as pool:
            for number, (name, took) in enumerate(
                pool.map(lambda name: self._measure(name, tree), files), start=1
            ):
                print(f"measured {number} of {len(files)}: {name} ({took:.0f} s)", flush=True)
        (self._folder / "made").touch()

    def _measure(self, name: str, tree: str) -> tuple[str, float]:
        begun = time.monotonic()
        text = (self._root / name).read_bytes()
        final = self._folder / hashlib.sha256(name.encode() + b"\0" + text).hexdigest()[:16]
        if final.exists():
            return name, 0.0
        folder = final.with_suffix(".new")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        data, settings, outcomes = folder / "data", folder / "coveragerc", folder / "outcomes.json"
        settings.write_text(_SETTINGS.format(data=data, root=self._root))
        command = (
            *("coverage", "run", f"--rcfile={settings}", "-m", "pytest", "-q"),
            *("-p", "tools.mutants.contexts", "-p", "no:cacheprovider", name),
        )
        with (folder / "log").open("wb") as log:
            subprocess.run(
                [sys.executable, "-m", *command],
                cwd=self._root,
                env=os.environ | {OUTCOMES: str(outcomes)},
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=_FILE_WITHIN_S,
                check=False,
            )
        combined = CoverageData(str(folder / "lines"))
        for part in folder.glob("data.*"):
            read = CoverageData(str(part))
            read.read()
            combined.update(read)
            part.unlink()
        combined.write()
        (folder / "name").write_text(name)
        (folder / "tree").write_text(tree)
        folder.rename(final)
        return name, time.monotonic() - begun

    def _keep_tree(self) -> str:
        """Keeps the texts of the product, whose lines are measured; returns the name of their folder."""
        texts = {path: (self._root / path).read_bytes() for path in product_files(self._root)}
        name = hashlib.sha256(b"\0".join(texts.values())).hexdigest()[:16]
        for path, text in texts.items():
            kept = self._folder / "trees" / name / path
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(text)
        return name

    def _numbers_then(self, tree: str, path: str) -> dict[int, int]:
        """The number that each line of a file had in a kept tree; a new line has that of the line above."""
        kept = self._folder / "trees" / tree / path
        if not kept.exists():
            return {}
        then, now = (file.read_text().splitlines() for file in (kept, self._root / path))
        found = {}
        for tag, first, _, begin, end in difflib.SequenceMatcher(
            None, then, now, autojunk=False
        ).get_opcodes():
            for number in range(begin, end):
                found[number + 1] = first + number - begin + 1 if tag == "equal" else max(first, 1)
        return found

    @cached_property
    def _files(self) -> dict[str, tuple[CoverageData, dict[str, float], str]]:
        """The lines, the passed tests with their seconds, the tree, by the newest file of tests."""
        found = {}
        for outcomes in sorted(self._folder.glob("*/outcomes.json"), key=lambda path: path.stat().st_mtime):
            if outcomes.parent.suffix:
                continue
            lines = CoverageData(str(outcomes.with_name("lines")))
            lines.read()
            passed = json.loads(outcomes.read_text())
            found[outcomes.with_name("name").read_text()] = (
                lines,
                passed,
                outcomes.with_name("tree").read_text(),
            )
        return found

    def tests_of(self, path: str, numbers: Iterable[int]) -> dict[str, float]:
        """The tests that run one of these lines, with their seconds.

        All tests of a file belong to a line that only processes run which these tests start.
        """
        found: dict[str, float] = {}
        asked = set(numbers)
        for lines, passed, tree in self._files.values():
            then = self._numbers(tree, path)
            wanted = {then[number] for number in asked if number in then}
            contexts = self._contexts(lines, path)
            of_lines = {name for number in wanted & contexts.keys() for name in contexts[number]}
            named = of_lines & passed.keys()
            found |= {test: passed[test] for test in named} if named else passed if of_lines else {}
        return found
