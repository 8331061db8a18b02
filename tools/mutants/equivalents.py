"""Faults that change nothing a test could see: a list with the reason of each, by content."""

import difflib
import tomllib
from dataclasses import dataclass
from pathlib import Path

from tools.mutants.faults import Fault

LIST = Path(__file__).with_name("equivalents.toml")


@dataclass(frozen=True)
class Equivalent:
    """The lines that a fault takes away and adds, without the spaces around them, and why nobody sees it."""

    path: str
    before: str
    after: str
    reason: str


def equivalents() -> list[Equivalent]:
    """The list."""
    return [Equivalent(**one) for one in tomllib.loads(LIST.read_text())["equivalent"]]


def changed_lines(before: str, after: str) -> tuple[str, str]:
    """The lines taken away and the lines added, each joined by a space."""
    old, new = before.splitlines(), after.splitlines()
    gone, come = [], []
    for tag, first, last, begin, end in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            gone += old[first:last]
            come += new[begin:end]
    return tuple(" ".join(" ".join(lines).split()) for lines in (gone, come))  # type: ignore[return-value]


def reason_of(fault: Fault, root: Path, known: list[Equivalent]) -> str | None:
    """Why a fault changes nothing; None if it is not in the list."""
    of_file = [one for one in known if one.path == fault.path]
    if not of_file:
        return None
    lines = changed_lines((root / fault.path).read_text(), fault.text())
    return next((one.reason for one in of_file if (one.before, one.after) == lines), None)
