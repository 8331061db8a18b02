"""The ledger of a crash test: the client's acknowledgements, the receiver's mail, the server's rows.

Each email of a run has a ledger id, which it carries as `X-Ledger-Id`; the unit is one recipient of one
email, written `ledger id/address`. Three sources are compared:
the client's own notes of what it submitted and what was acknowledged, the file that the SMTP sink writes
before each 250, and the server's database. The receiver counts, not the server: an email that only the
server calls delivered is lost.
"""

import json
import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

LEDGER_HEADER = "X-Ledger-Id"
# Ends of an email's life that need no delivery.
REFUSED = frozenset({"bounced", "failed", "complained"})


class ClientBook:
    """The client's notes, in a file: a line before each submission and one after each acknowledgement."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self.submitted: dict[str, Sequence[str]] = {}
        self.acknowledged: dict[str, str] = {}
        self.contradictions: list[str] = []

    def submitting(self, ledger_id: str, recipients: Sequence[str]) -> None:
        """Notes that the email will be handed to the server now."""
        os.write(self._file, f"submitted\t{ledger_id}\t{','.join(recipients)}\n".encode())
        self.submitted[ledger_id] = recipients

    def acknowledge(self, ledger_id: str, email_id: str) -> None:
        """Notes that the server took it; a second acknowledgement must name the same email."""
        os.write(self._file, f"acknowledged\t{ledger_id}\t{email_id}\n".encode())
        if self.acknowledged.setdefault(ledger_id, email_id) != email_id:
            self.contradictions.append(f"{ledger_id}: {self.acknowledged[ledger_id]}, then {email_id}")


@dataclass(frozen=True, slots=True)
class Taken:
    """One line of the sink's ledger: one message taken for one recipient."""

    at_ms: int
    ledger_id: str
    message_id: str
    recipient: str

    @property
    def unit(self) -> str:
        """The unit that the receiver accepted."""
        return f"{self.ledger_id}/{self.recipient}"


@dataclass(frozen=True, slots=True)
class Stored:
    """The row of one recipient in the server's database."""

    email_id: str
    ledger_id: str
    recipient: str
    status: str
    queued: bool
    accepted_ms: int

    @property
    def unit(self) -> str:
        """The unit that is stored."""
        return f"{self.ledger_id}/{self.recipient}"


@dataclass(frozen=True, slots=True)
class Kill:
    """One death of a process: `window` is the failpoint, or `random`."""

    at_ms: int
    window: str


@dataclass(slots=True)
class Report:
    """The comparison. `lost`, `ghosts`, `unrecorded`, `accepted_twice` and `unflagged` must be empty.

    `duplicates` counts second copies by the kill that came after the first one: whatever was killed, other
    messages were between the receiver's 250 and our record of it at that moment (RFC 1047). That this was
    so, and that it was noticed, is what the flag on the event says.
    """

    submitted: int = 0
    acknowledged: int = 0
    taken: int = 0
    queued: int = 0
    refused: int = 0
    lost: list[str] = field(default_factory=list)
    ghosts: list[str] = field(default_factory=list)
    unrecorded: list[str] = field(default_factory=list)
    accepted_twice: list[str] = field(default_factory=list)
    duplicates: Counter[str] = field(default_factory=Counter)
    unflagged: list[str] = field(default_factory=list)
    oldest_queued_s: float = 0.0
    drain_s: float | None = None

    @property
    def is_clean(self) -> bool:
        """True if every promise was kept."""
        return not (self.lost or self.ghosts or self.unrecorded or self.accepted_twice or self.unflagged)

    def __str__(self) -> str:
        windows = ", ".join(f"{window} {count}" for window, count in sorted(self.duplicates.items()))
        lines = {
            "submitted": self.submitted,
            "acknowledged": self.acknowledged,
            "taken by the receiver": self.taken,
            "still queued": f"{self.queued} (oldest {self.oldest_queued_s:.1f} s)",
            "refused for good": self.refused,
            "lost": _shown(self.lost),
            "ghosts": _shown(self.ghosts),
            "taken but unknown to the server": _shown(self.unrecorded),
            "accepted twice": _shown(self.accepted_twice),
            "duplicates by window": windows or "none",
            "duplicates without a flag": _shown(self.unflagged),
            "drain time": "-" if self.drain_s is None else f"{self.drain_s:.1f} s",
        }
        return "\n".join(f"{name + ':':33}{value}" for name, value in lines.items())


def _shown(ids: list[str]) -> str:
    return f"{len(ids)} ({', '.join(ids[:5])}{', ...' if len(ids) > 5 else ''})" if ids else "0"


def read_sink(path: Path) -> list[Taken]:
    """The lines of a sink's ledger."""
    if not path.exists():
        return []
    rows = (line.split("\t") for line in path.read_text().splitlines())
    return [Taken(int(at), ledger_id, message_id, to) for at, ledger_id, message_id, to, _ in rows]


@contextmanager
def store(database_url: str) -> Iterator[Connection]:
    """A transaction on a server's database, beside the server."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        url = url.set(drivername="sqlite")
    engine = create_engine(url, poolclass=NullPool)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def read_server(database_url: str) -> tuple[list[Stored], set[str]]:
    """The rows of the server's database, and the ids of emails whose events admit a duplicate."""
    with store(database_url) as connection:
        stored = connection.execute(
            text(
                "SELECT r.email_id, c.headers, r.address, r.status, q.email_id IS NOT NULL, e.created_at"
                " FROM recipients r"
                " JOIN emails e ON e.org_id = r.org_id AND e.id = r.email_id"
                " JOIN email_contents c ON c.org_id = r.org_id AND c.email_id = r.email_id"
                " LEFT JOIN delivery_queue q"
                " ON q.org_id = r.org_id AND q.email_id = r.email_id AND q.no = r.no"
            )
        ).all()
        flagged = (
            connection.execute(text("SELECT email_id FROM events WHERE possible_duplicate")).scalars().all()
        )
    rows = [
        Stored(email_id, json.loads(headers).get(LEDGER_HEADER, "-"), address, status, bool(queued), at)
        for email_id, headers, address, status, queued, at in stored
    ]
    return rows, set(flagged)


def compare(
    client: ClientBook,
    sink: Sequence[Taken],
    server: Sequence[Stored],
    flagged: set[str],
    kills: Iterable[Kill],
) -> Report:
    """Balances the books."""
    copies: dict[str, list[Taken]] = defaultdict(list)
    for taken in sink:
        copies[taken.unit].append(taken)
    known: dict[str, list[Stored]] = defaultdict(list)
    for stored in server:
        known[stored.unit].append(stored)
    submitted = {
        f"{ledger_id}/{to}" for ledger_id, recipients in client.submitted.items() for to in recipients
    }
    report = Report(
        submitted=len(client.submitted),
        acknowledged=len(client.acknowledged),
        taken=len(sink),
        queued=sum(stored.queued for stored in server),
        refused=sum(stored.status in REFUSED for stored in server),
        ghosts=sorted(copies.keys() - submitted),
        unrecorded=sorted((copies.keys() & submitted) - known.keys()),
    )
    report.accepted_twice = client.contradictions + sorted(
        unit for unit, rows in known.items() if len({row.email_id for row in rows}) > 1
    )
    for ledger_id in client.acknowledged:
        for unit in (f"{ledger_id}/{to}" for to in client.submitted[ledger_id]):
            safe = any(row.queued or row.status in REFUSED for row in known.get(unit, ()))
            if unit not in copies and not safe:
                report.lost.append(unit)
    moments = sorted(kills, key=lambda kill: kill.at_ms)
    for unit, taken_copies in copies.items():
        first, *others = sorted(taken_copies, key=lambda taken: taken.at_ms)
        if not others:
            continue
        window = next((kill.window for kill in moments if kill.at_ms >= first.at_ms), "no kill")
        report.duplicates[window] += len(others)
        if not any(row.email_id in flagged for row in known.get(unit, ())):
            report.unflagged.append(unit)
    waiting = [stored.accepted_ms for stored in server if stored.queued]
    if waiting:
        report.oldest_queued_s = time.time() - min(waiting) / 1000
    return report
