"""A send to a list, whose server is killed while it accepts and while it delivers; then all is counted."""

import asyncio
import random
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from server.contacts.list_sender import CHUNK
from tests.faults.clients import RETRIED_STATUSES
from tests.faults.crash import HIT_WITHIN_S, LATEST_HIT, LEASE_S, RANDOM, sink_process
from tests.faults.draining import drain
from tests.harness.ledger import LEDGER_HEADER, ClientBook, Kill, Report, compare, read_server, read_sink
from tests.harness.organisations import Kind
from tests.harness.stack import Stack
from tests.harness.waiting import until_sync

# The deaths of a whole run, in order: two while emails are accepted, three while they are delivered.
WINDOWS = ("accept.before_commit", "accept.after_commit", "smtp.after_dot", RANDOM, "engine.before_complete")
# Rows of one file.
IMPORTED = 50_000
# Seconds for each thousand members, at the least pace that is not a standstill.
SECONDS_PER_1000 = 20.0
LEDGER_ID = "list"
AMPLE = dict.fromkeys(("daily", "monthly", "unique", "burst"), "10000000")


@dataclass(slots=True)
class Outcome:
    """The result of a run: the send as it ended, its report, the kills, and the failpoints never reached."""

    members: int
    send: dict[str, Any]
    report: Report
    kills: list[Kill]
    missed: list[str] = field(default_factory=list)

    @property
    def differences(self) -> list[str]:
        """The numbers that are not those of the members: every member has one email, delivered."""
        numbers = {
            "accepted": self.send["accepted_count"],
            "members of the send": self.send["member_count"],
            "recipients at the sink": self.report.taken - self.report.duplicates.total(),
        }
        found = [f"{name}: {number}" for name, number in numbers.items() if number != self.members]
        if self.send["status"] != "completed":
            found.append(f"status: {self.send['status']}")
        return found

    @property
    def is_clean(self) -> bool:
        """True if every member got one email, none twice except flagged, and every failpoint was reached."""
        return self.report.is_clean and not self.missed and not self.differences

    def __str__(self) -> str:
        lines = {
            "members": self.members,
            "differences": ", ".join(self.differences) or "none",
            "kills": ", ".join(kill.window for kill in self.kills),
            "failpoints never reached": ", ".join(self.missed) or "none",
        }
        return f"{self.report}\n" + "\n".join(f"{name + ':':33}{value}" for name, value in lines.items())


class ListRun:
    """One stack, one sink, one list, and one send to it that outlives every server."""

    def __init__(self, folder: Path, members: int, *, database_url: str | None = None) -> None:
        self._folder = folder
        self._addresses = [f"ok+{number}@list.example.net" for number in range(members)]
        self._database_url = database_url
        self._sink = folder / "sink"
        self._book = ClientBook(folder / "client")
        self._kills: list[Kill] = []
        self._missed: list[str] = []
        self._within = max(HIT_WITHIN_S, members / 1000 * SECONDS_PER_1000)

    async def run(self, windows: Sequence[str] = WINDOWS) -> Outcome:
        """Begins a send, dies once in each window, in order, then delivers the rest and compares."""
        with sink_process(self._sink) as port:
            stack = Stack(
                self._folder / "data",
                transport=f"smtp://127.0.0.1:{port}",
                database_url=self._database_url,
                env={"ZIDIMAIL_LEASE_SECONDS": str(LEASE_S)},
                kinds={"list": Kind(["--plan", "enterprise"], AMPLE)},
            )
            await asyncio.to_thread(stack.start)
            try:
                send = await asyncio.to_thread(self._send, stack, windows)
                await drain(stack, within=self._within)
            finally:
                await asyncio.to_thread(stack.stop)
            stored, flagged = read_server(stack.database_url)
        report = compare(self._book, read_sink(self._sink), stored, flagged, self._kills)
        return Outcome(len(self._addresses), send, report, self._kills, self._missed)

    def _send(self, stack: Stack, windows: Sequence[str]) -> dict[str, Any]:
        """The send after its end, which comes after all deaths."""
        org = stack.orgs["list"]
        headers = {"authorization": f"Bearer {org.jwt}"}
        with httpx.Client(base_url=stack.http, headers=headers, timeout=120) as session:
            list_id = self._import(session)
            assert stack.stop_server() == 0
            stack.start_server(_env(windows[0]))
            beginning = ThreadPoolExecutor(1).submit(self._begin, session, f"news@{org.domain}", list_id)
            for number, window in enumerate(windows):
                self._die(stack, window)
                following = windows[number + 1] if number + 1 < len(windows) else RANDOM
                stack.start_server(_env(following), wait=False)
            stack.wait_until_ready()
            path = f"/v1/contact-list-sends/{beginning.result()}"

            def ended() -> dict[str, Any] | None:
                send: dict[str, Any] = session.get(path).raise_for_status().json()
                return None if send["status"] in ("sending", "waiting") else send

            return until_sync(ended, within=self._within)

    def _import(self, session: httpx.Client) -> str:
        """The id of a new list with all members."""
        list_id = str(session.post("/v1/contact-lists", json={"name": "Everybody"}).json()["id"])
        for begin in range(0, len(self._addresses), IMPORTED):
            lines = ["Email", *self._addresses[begin : begin + IMPORTED]]
            answer = session.post(
                "/v1/contacts/import/file", params={"listId": list_id}, content="\n".join(lines).encode()
            )
            assert answer.json()["added"] == len(lines) - 1, answer.text
        return list_id

    def _begin(self, session: httpx.Client, sender: str, list_id: str) -> str:
        """The id of the send; the server may die before it answers, and is asked again."""
        self._book.submitting(LEDGER_ID, self._addresses)
        email = {
            "from": sender,
            "subject": "News",
            "text": "Dear {{email}}",
            "headers": {LEDGER_HEADER: LEDGER_ID},
        }
        key = {"idempotency-key": "everybody"}

        def begun() -> str | None:
            try:
                answer = session.post(f"/v1/contact-lists/{list_id}/send", json=email, headers=key)
            except httpx.TransportError:
                return None
            if answer.status_code in RETRIED_STATUSES:
                return None
            return str(answer.raise_for_status().json()["id"])

        id = until_sync(begun, within=self._within)
        assert id is not None
        self._book.acknowledge(LEDGER_ID, id)
        return id

    def _die(self, stack: Stack, window: str) -> None:
        """The end of the server's present life, in a window."""
        if window == RANDOM:
            # In the midst of deliveries, wherever the engine then is.
            before = self._taken()
            until_sync(lambda: self._taken() > before, within=self._within)
            stack.kill_server()
        else:
            try:
                stack.wait_server(HIT_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._missed.append(window)
                stack.kill_server()
        self._kills.append(Kill(time.time_ns() // 1_000_000, window))

    def _taken(self) -> int:
        """The size of the sink's ledger."""
        return self._sink.stat().st_size if self._sink.exists() else 0


def _env(window: str) -> dict[str, str]:
    """The environment of a server that dies in a window; at one of the hits that a short list has too."""
    if window == RANDOM:
        return {}
    hits = 2 if window.startswith("accept.") else LATEST_HIT
    return {"ZIDIMAIL_FAILPOINTS": f"{window}=kill@{random.randint(1, hits)}"}


def least_members(windows: Sequence[str]) -> int:
    """The members that a list needs so that every window is reached."""
    return CHUNK * (2 + sum(window.startswith("accept.") for window in windows))
