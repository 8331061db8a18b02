"""Sends to lists go on: some members at a time, each email by all the rules (contract row Z-55)."""

from collections.abc import Sequence
from typing import cast

import orjson
from zidimail.v1 import email_service_pb2 as email_pb

from server.clock import Clock
from server.contacts import send_store
from server.contacts.list_email import email_to
from server.contacts.send_rules import Member, Step, step_of
from server.contacts.send_store import SendRow
from server.contacts.unsubscribe_links import Subscription, UnsubscribeLinks
from server.db.database import Database
from server.db.tx import Tx
from server.db.writer import Writer
from server.emails.accept import Acceptor
from server.emails.batch import Answer, Batch, Result
from server.emails.draft import Draft
from server.emails.judging import judged
from server.faults import Fault
from server.wire.caller import SessionCaller
from server.work.jobs import Jobs
from server.work.slices import Slices

# Members of one transaction.
CHUNK = 100


class ListSender(Jobs[SendRow]):
    """Sends to the next members of each send that is due, again and again.

    Each member gets exactly one email, however often servers stop.
    """

    def __init__(
        self,
        database: Database,
        writer: Writer,
        clock: Clock,
        acceptor: Acceptor,
        links: UnsubscribeLinks,
    ) -> None:
        super().__init__("contacts.send")
        self._database = database
        self._writer = writer
        self._clock = clock
        self._acceptor = acceptor
        self._links = links
        self._slices = Slices()

    async def _due(self) -> Sequence[SendRow]:
        return await self._database.read(send_store.due, self._clock.now_ms())

    async def _advance(self, row: SendRow) -> bool:
        found = await self._database.read(send_store.next_members, row, CHUNK)
        now_ms = self._clock.now_ms()
        if found is None:
            gone = Step(row.cursor, [], "canceled")
            await self._writer.run(send_store.advance, row, gone, now_ms)
            return True
        done = frozenset(orjson.loads(row.done))
        members = [member for member in found if member.id not in done]
        is_last = len(found) < CHUNK
        subscribed = [member for member in members if not member.unsubscribed]

        def store(tx: Tx, results: Sequence[Result]) -> None:
            faults = {
                member.id: result if isinstance(result, Fault) else None
                for member, result in zip(subscribed, results, strict=True)
            }
            decided = [(member, faults.get(member.id)) for member in members]
            step = step_of(row.cursor, decided, now_ms, is_last=is_last)
            if step.status == "sending" and found:
                step.cursor = max(step.cursor, found[-1].id)
            send_store.advance(tx, row, step, now_ms)

        if not subscribed:
            await self._writer.run(store, ())
            return True

        def within(tx: Tx, answer: Answer | Fault) -> None:
            store(tx, cast("Sequence[Result]", answer))

        template = email_pb.SendEmailRequest.FromString(row.template)
        caller = SessionCaller(row.org_id, row.user_id, "member", 0)

        def drafted(member: Member) -> Draft | Fault:
            url = self._links.url(Subscription(row.org_id, row.list_id, row.id, member.email))
            email = email_to(template, member, url)
            added = len(email.headers) - len(template.headers)
            return judged(email, caller, now_ms, job_id=row.id, added_headers=added)

        items = await self._slices.map(drafted, subscribed)
        await self._acceptor.accept(Batch(row.org_id, items, strict=False, within=within))
        return True
