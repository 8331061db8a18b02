"""Model test of all operations that change the state of an email, in any order, on both engines."""

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)
from sqlalchemy import Engine, create_engine, insert, select, update
from sqlalchemy.pool import NullPool

from server.accounts.store import add_organisation
from server.db.statements import BulkInsert
from server.db.tables.domains import domains
from server.db.tables.emails import attachment_parts, emails, recipients
from server.db.tables.events import events
from server.db.tables.queue import delivery_queue
from server.db.tx import Tx
from server.delivery.record import Settlement
from server.delivery.settling import settle
from server.emails import transitions
from server.emails.draft import Draft, draft
from server.emails.faults import EmailNotFound
from server.emails.lifecycle import Effect, Status, effect_of
from server.emails.release import release
from server.emails.schedule import cancel
from server.emails.transitions import Transition
from server.events.statuses import OPEN, email_status
from server.ids import new_id
from server.inbound.feedback import Feedback, Kind, record
from server.queue import store as queue
from server.queue.rows import LeaseKey
from server.wire.caller import KeyCaller
from tests.harness.clock import START_MS
from tests.harness.rows import own_rows, own_values
from tests.store.accepting import send_request
from tests.store.machines import explore, with_time_to_shorten

CALLER = KeyCaller(new_id(), new_id(), "full")
DOMAIN_ID = new_id()
MINUTE_MS = 60_000
FINAL = {"canceled", "suppressed"}
ENDS = st.sampled_from(("delivered", "bounced", "failed", "suppressed", "complained"))
REPORTS = st.sampled_from(("delivered", "bounced", "failed", "complained", "sent", "queued", "canceled"))
PICK = st.integers(0, 10**6)


class Stored(NamedTuple):
    """A recipient."""

    email_id: str
    no: int
    address: str
    status: Status


class Event(NamedTuple):
    """An event of an email or of a recipient."""

    email_id: str
    type: str
    recipient: str


class Email(NamedTuple):
    """An email."""

    id: str
    status: Status


class Mail(RuleBasedStateMachine):
    """Emails in one transaction that is never committed, so that each run begins with an empty store."""

    engine: ClassVar[Engine]

    def __init__(self) -> None:
        super().__init__()
        self.connection = self.engine.connect()
        self.tx = Tx(self.connection)
        self.tx.begin("BEGIN" if self.tx.is_sqlite else "")
        self.now = START_MS
        self.claimed: list[LeaseKey] = []
        self.with_provider: set[tuple[str, int]] = set()
        self.last: dict[tuple[str, int], Status] = {}
        self.log: list[Event] = []
        add_organisation(
            *(self.tx, CALLER.org_id, "Acme"),
            owner_email="owner@example.com",
            plan="scale",
            profile="plan",
            sandbox=False,
            now_ms=START_MS,
        )
        checks = dict.fromkeys(("spf", "dkim", "dmarc", "return_path"), "verified")
        row = {"org_id": CALLER.org_id, "id": DOMAIN_ID, "domain": "mail.example.com", "status": "verified"}
        self.tx.change(insert(domains), row | checks | {"verified": True, "created_at": 0})

    def teardown(self) -> None:
        self.tx.rollback()
        self.connection.close()

    # Events of mail.

    @rule(people=st.integers(1, 3), skipped=st.integers(0, 1), in_minutes=st.none() | st.integers(1, 3))
    def accept(self, people: int, skipped: int, in_minutes: int | None) -> None:
        request = send_request(to=[f"{n}@receiver.test" for n in range(people)])
        request.attachments.add(filename="a.txt", content=b"abc")
        if in_minutes is not None:
            at = Timestamp()
            at.FromMilliseconds(self.now + in_minutes * MINUTE_MS)
            request.scheduled_at.CopyFrom(at)
        made = draft(request, CALLER, self.now)
        assert isinstance(made, Draft)
        made.email["domain_id"] = DOMAIN_ID
        made.suppress({"0@receiver.test"} if skipped < people - 1 else set())
        transitions.begin(self.tx, [made.new_email()])
        BulkInsert(attachment_parts).rows(self.tx, made.parts)
        queue.enqueue(self.tx, made.queued())

    @rule(limit=st.integers(1, 4))
    def claim(self, limit: int) -> None:
        rows = queue.claim(self.tx, limit, owner=new_id(), now=self.now, until=self.now + MINUTE_MS).rows
        self.claimed += [row.key for row in rows]

    @precondition(lambda self: self.claimed)
    @rule(which=PICK, end=ENDS, is_retried=st.booleans())
    def settle(self, which: int, end: Status, is_retried: bool) -> None:
        """The result of an attempt, whose lease may be lost by now."""
        key = self.claimed[which % len(self.claimed)]
        before = len(self.events())
        status: Status = "delivery_delayed" if is_retried else end
        (was_ours,) = settle(self.tx, [self.settlement(key, status)], self.now)
        added = [event.type for event in self.events()[before:]]
        expected = ["email.delivered"] if status == "complained" else []
        assert added == ([*expected, f"email.{status}"] if was_ours else [])

    @precondition(lambda self: self.claimed)
    @rule(which=PICK)
    def hand_to_provider(self, which: int) -> None:
        key = self.claimed[which % len(self.claimed)]
        if queue.leased(self.tx, [key]):
            queue.finish(self.tx, [key])
            (result,) = transitions.apply(
                self.tx, [Transition(key.org_id, key.email_id, key.no, "sent", 1)], self.now
            )
            assert result == (Effect.APPLIED, None)
            self.with_provider.add((key.email_id, key.no))

    @precondition(lambda self: self.with_provider)
    @rule(which=PICK, status=REPORTS)
    def report_of_provider(self, which: int, status: Status) -> None:
        """A report in any order, legal or not."""
        email_id, no = sorted(self.with_provider)[which % len(self.with_provider)]
        present = self.last[email_id, no]
        change = Transition(CALLER.org_id, email_id, no, status)
        (result,) = transitions.apply(self.tx, [change], self.now)
        assert result.effect is effect_of(present, status)

    @precondition(lambda self: self.last)
    @rule(which=PICK, kind=st.sampled_from(("complained", "bounced")))
    def feedback(self, which: int, kind: Kind) -> None:
        email_id, no, address, status = self.recipient(which)
        before = len(self.events())
        enhanced = "5.7.1" if kind == "bounced" else None
        try:
            record(self.tx, Feedback(CALLER.org_id, email_id, address, kind, "", enhanced), self.now)
        except EmailNotFound:
            assert effect_of(status, kind) is Effect.ILLEGAL
            assert len(self.events()) == before
            return
        assert Event(email_id, f"email.{kind}", address) in self.events()
        assert (email_id, no) not in self.queued()

    @precondition(lambda self: self.last)
    @rule(which=PICK)
    def cancel(self, which: int) -> None:
        email_id = self.recipient(which).email_id
        was_scheduled = self.statuses()[email_id] == "scheduled"
        fault = cancel(self.tx, CALLER, email_id, self.now)
        assert (fault is None) == was_scheduled
        assert (self.statuses()[email_id] == "canceled") or fault is not None

    @rule(verified=st.sampled_from((True, True, False)))
    def release(self, verified: bool) -> None:
        """Scheduled mail that is due is released, while the domain may have lost its verification."""
        self.tx.change(update(domains).where(domains.c.org_id == CALLER.org_id).values(verified=verified))
        release(self.tx, self.now)
        self.tx.change(update(domains).where(domains.c.org_id == CALLER.org_id).values(verified=True))

    @rule(minutes=st.integers(1, 3))
    def wait(self, minutes: int) -> None:
        self.now += minutes * MINUTE_MS

    # Invariants.

    @invariant()
    def a_status_changes_by_transitions_only(self) -> None:
        now = {(row.email_id, row.no): row.status for row in self.recipients()}
        for key, before in self.last.items():
            assert now[key] == before or before not in FINAL
            assert now[key] == before or effect_of(before, now[key]) is Effect.APPLIED, (before, now[key])
        self.last = now

    @invariant()
    def the_log_leads_to_every_status(self) -> None:
        """Each event is a legal transition of those that it is about, and nothing changes without one."""
        found: dict[tuple[str, str], Status] = {}
        people = self.recipients()
        for event in self.events():
            what = event.type.removeprefix("email.")
            new: Status = "queued" if what == "sent" else what  # type: ignore[assignment]
            for row in people:
                if row.email_id != event.email_id or event.recipient not in ("", row.address):
                    continue
                present = found.get((row.email_id, row.address))
                effect = Effect.APPLIED if present is None else effect_of(present, new)
                assert effect is Effect.APPLIED or not event.recipient, (present, new)
                if effect is Effect.APPLIED:
                    found[row.email_id, row.address] = new
        for row in people:
            reached = found[row.email_id, row.address]
            assert row.status in {
                reached,
                "sent" if (row.email_id, row.no) in self.with_provider else reached,
            }

    @invariant()
    def an_email_is_as_its_worst_recipient(self) -> None:
        of_recipients: dict[str, set[str]] = {}
        for row in self.recipients():
            of_recipients.setdefault(row.email_id, set()).add(row.status)
        assert self.statuses() == {key: email_status(found) for key, found in of_recipients.items()}

    @invariant()
    def whom_an_attempt_awaits_is_queued(self) -> None:
        waiting = {(row.email_id, row.no) for row in self.recipients() if row.status in OPEN[1:]}
        assert self.queued() == waiting

    @invariant()
    def files_are_kept_while_they_are_needed(self) -> None:
        kept = set(own_values(self.tx, str, select(attachment_parts.c.email_id)))
        assert kept == {key for key, status in self.statuses().items() if status in OPEN}

    # The stored state.

    def recipients(self) -> list[Stored]:
        columns = [recipients.c[name] for name in Stored._fields]
        return own_rows(self.tx, Stored, select(*columns).order_by(recipients.c.email_id, recipients.c.no))

    def recipient(self, which: int) -> Stored:
        return (people := self.recipients())[which % len(people)]

    def statuses(self) -> dict[str, Status]:
        return {row.id: row.status for row in own_rows(self.tx, Email, select(emails.c.id, emails.c.status))}

    def events(self) -> list[Event]:
        self.tx.run_deferred()
        query = select(events.c["email_id", "type", "recipient"]).order_by(events.c.stamp, events.c.seq)
        return self.tx.all(Event, query)

    def queued(self) -> set[tuple[str, int]]:
        rows = self.connection.execute(select(delivery_queue.c.email_id, delivery_queue.c.no))
        return {(email_id, no) for email_id, no in rows}

    def settlement(self, key: LeaseKey, status: Status) -> Settlement:
        return Settlement(
            key=key,
            address="",
            status=status,
            attempts=1,
            due_at=self.now if status == "delivery_delayed" else None,
            code=250,
            enhanced="2.0.0",
            text="",
            host="",
            uncertain=False,
            possible_duplicate=False,
            alone=False,
        )


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine whose transactions are begun by the test."""
    engine = create_engine(database_url, poolclass=NullPool)
    yield engine
    engine.dispose()


@with_time_to_shorten
def test_states_events_queue_and_files_agree_under_any_interleaving(engine: Engine) -> None:
    explore(Mail, examples=15, steps=30, engine=engine)
