"""Draws faults by seed, tries them, and reports by package. Exits with 1 if one went unnoticed."""

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from tests.harness.postgres import GIVEN_URL, Postgres
from tools.mutants.coverage_map import CoverageMap
from tools.mutants.equivalents import equivalents, reason_of
from tools.mutants.faults import Fault, of_kinds, package, product_files, sample
from tools.mutants.python_faults import python_faults
from tools.mutants.references import References
from tools.mutants.sql_faults import KINDS, sql_faults
from tools.mutants.trial import Trial, trials

REPOSITORY = Path(__file__).resolve().parents[2]
_HUNK = re.compile(r"^@@ -\S+ \+(\d+)(?:,(\d+))? @@")


def changed(revision: str) -> dict[str, set[int]]:
    """The lines of the product that were changed or added since a revision, by file."""
    diff = subprocess.run(
        ["git", "diff", "--unified=0", revision, "--", "server", "edge"],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    found: dict[str, set[int]] = defaultdict(set)
    path = ""
    for line in diff.splitlines():
        if line.startswith("+++ "):
            path = line.removeprefix("+++ b/")
        elif hunk := _HUNK.match(line):
            first, count = int(hunk[1]), int(hunk[2] or 1)
            found[path].update(range(first, first + count))
    return found


def all_faults(files: Sequence[str], kinds: Sequence[str]) -> list[Fault]:
    """Every fault of these kinds in these files; of all kinds without any."""
    sources = [sql_faults] if kinds and set(kinds) <= KINDS else [sql_faults, python_faults]
    texts = {path: (REPOSITORY / path).read_text() for path in files}
    return of_kinds(
        (fault for path, text in texts.items() for of in sources for fault in of(path, text)), kinds
    )


def report(done: Sequence[Trial], same: Sequence[Fault]) -> None:
    """Prints a line for each package, and the sum."""
    packages = sorted({package(fault) for fault in [*(trial.fault for trial in done), *same]})
    print(f"\n{'package':<28}{'noticed':>9}{'not noticed':>13}{'equivalent':>12}")
    rows: list[tuple[str, int, int, int]] = [
        (
            name,
            sum(package(trial.fault) == name and trial.noticed_by != "" for trial in done),
            sum(package(trial.fault) == name and trial.noticed_by == "" for trial in done),
            sum(package(fault) == name for fault in same),
        )
        for name in packages
    ]
    noticed, unnoticed, equal = (sum(column) for column in list(zip(*rows, strict=True))[1:])
    rows.append(("all", noticed, unnoticed, equal))
    for name, noticed, unnoticed, equal in rows:
        print(f"{name:<28}{noticed:>9}{unnoticed:>13}{equal:>12}")


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--count", type=int, default=40, help="how many faults (40)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the draw (another each time)")
    parser.add_argument("--changed", default="", help="only lines changed since this revision")
    parser.add_argument("--kinds", nargs="*", default=[], help="only these kinds, such as lock, org_id")
    parser.add_argument("--paths", nargs="*", default=[], help="only files below these")
    parser.add_argument("--workers", type=int, default=2, help="how many at the same time (2)")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    postgres = Postgres.for_tests().url_of("postgres")
    os.environ[GIVEN_URL] = postgres
    covered = CoverageMap(REPOSITORY)
    if not covered.is_fresh:
        print("The map of lines and tests is missing or old: all tests run once, measured.", flush=True)
        covered.make(asked.workers)
    files = product_files(REPOSITORY)
    wanted = [path for path in files if path.startswith(tuple(asked.paths) or "")]
    faults = all_faults(wanted, asked.kinds)
    if asked.changed:
        lines = changed(asked.changed)
        faults = [fault for fault in faults if fault.line in lines.get(fault.path, ())]
    drawn = sample(faults, asked.count, asked.seed)
    known = equivalents()
    reasons = {fault: reason_of(fault, REPOSITORY, known) for fault in drawn}
    same = [fault for fault in drawn if reasons[fault] is not None]
    references = References(REPOSITORY, files)
    tried = []
    for fault in drawn:
        if fault not in same:
            tests: dict[str, float] = {}
            for path, numbers in references.lines(fault.path, fault.line).items():
                tests |= covered.tests_of(path, numbers)
            tried.append((fault, tests))
    print(f"{len(drawn)} of {len(faults)} faults, seed {asked.seed}", flush=True)
    done = []
    for trial in trials(REPOSITORY, tried, asked.workers, postgres):
        done.append(trial)
        fault = trial.fault
        place = f"{fault.path}:{fault.line} {fault.kind}"
        if trial.noticed_by:
            print(f"noticed: {place} by {trial.noticed_by}", flush=True)
        else:
            print(f"NOT NOTICED by {trial.tests} of {trial.all_tests} tests: {place}", flush=True)
            print(fault.diff(REPOSITORY), flush=True)
    for fault in same:
        print(f"equivalent: {fault.path}:{fault.line} {fault.kind}: {reasons[fault]}")
    report(done, same)
    sys.exit(any(not trial.noticed_by for trial in done))


if __name__ == "__main__":
    main()
