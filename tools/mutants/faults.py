"""A fault: one small change of one file of the product."""

import difflib
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

FOLDERS = ("server", "edge")
LOCK, OWNER = "lock", "org_id"


@dataclass(frozen=True)
class Fault:
    """A change of the file `path` at `line`. `text` makes the whole changed file; it takes milliseconds."""

    path: str
    line: int
    kind: str
    text: Callable[[], str]

    def diff(self, root: Path) -> str:
        """The change as a unified diff with three lines around it."""
        before = (root / self.path).read_text().splitlines(keepends=True)
        return "".join(
            difflib.unified_diff(before, self.text().splitlines(keepends=True), self.path, self.path)
        )


def product_files(root: Path) -> list[str]:
    """The files that people write for the product, without migrations, which are never changed."""
    return sorted(
        str(path.relative_to(root))
        for folder in FOLDERS
        for path in (root / folder).rglob("*.py")
        if "versions" not in path.parts
    )


def spliced(source: bytes, start: int, end: int, replacement: str) -> Callable[[], str]:
    """The text of a file with another text between two offsets."""
    return (source[:start] + replacement.encode() + source[end:]).decode


def sample(faults: Iterable[Fault], count: int, seed: int) -> list[Fault]:
    """Faults drawn by seed. A line is drawn again only if there are fewer lines: each counts the same."""
    lines: dict[tuple[str, int], list[Fault]] = defaultdict(list)
    for fault in faults:
        lines[fault.path, fault.line].append(fault)
    draw = random.Random(seed)
    order = sorted(lines)
    draw.shuffle(order)
    for line in order:
        draw.shuffle(lines[line])
    turns = zip_longest(*(lines[line] for line in order))
    return [fault for turn in turns for fault in turn if fault is not None][:count]


def package(fault: Fault) -> str:
    """The package of the product that a fault is in."""
    return ".".join(Path(fault.path).parts[:2]).removesuffix(".py")


def of_kinds(faults: Iterable[Fault], kinds: Sequence[str]) -> list[Fault]:
    """The faults of these kinds; all without any."""
    return [fault for fault in faults if not kinds or fault.kind in kinds]
