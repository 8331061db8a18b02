"""One measured figure, its peer and its target."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a figure: a bound on the measured value, or on its ratio to the peer's."""

    value: float
    of: Literal["measured", "ratio"] = "ratio"
    bound: Literal["at least", "at most"] = "at least"


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table. `measured` and `peer_measured` are in `unit`.

    `ratio` is how the measured value compares with the peer's: above 1 is better, except where smaller
    values are better and the row says so.
    """

    number: str
    what: str
    measured: float
    unit: str
    peer: str = ""
    peer_measured: float | None = None
    ratio: float | None = None
    target: Target | None = None

    @property
    def met(self) -> bool | None:
        """True if the target is reached; None without a target."""
        if self.target is None:
            return None
        value = self.measured if self.target.of == "measured" else self.ratio
        if value is None:
            return None
        if self.target.bound == "at least":
            return value >= self.target.value
        return value <= self.target.value


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table, as the README shows it."""
    head = ("#", "Figure", "Measured", "Peer", "Ratio", "Target")
    rows = [head, *(_cells(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _cells(figure: Figure) -> tuple[str, ...]:
    peer = figure.peer
    if figure.peer_measured is not None:
        peer += f": {_number(figure.peer_measured)} {figure.unit}"
    target = ""
    if figure.target is not None:
        sign = ">=" if figure.target.bound == "at least" else "<="
        bound = f"{sign} {figure.target.value:,g}"
        bound = f"{bound} {figure.unit}" if figure.target.of == "measured" else f"ratio {bound}"
        target = f"{bound}: {'reached' if figure.met else 'missed'}"
    return (
        figure.number,
        figure.what,
        f"{_number(figure.measured)} {figure.unit}",
        peer,
        "" if figure.ratio is None else f"{figure.ratio:.3g}",
        target,
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
