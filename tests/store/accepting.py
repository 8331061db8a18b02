"""An acceptor on a store with an organisation and its domain, shared by the tests of sending."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Table, insert, select, update
from zidimail.v1 import batch_job_service_pb2 as job_pb
from zidimail.v1 import email_service_pb2 as pb

from server.accounts.rules import Plan
from server.accounts.store import add_organisation
from server.db.database import Database
from server.db.tables.accounts import organisations
from server.db.tables.domains import domains
from server.db.tables.quotas import usage
from server.db.tables.suppressions import suppressions
from server.db.tx import Tx
from server.db.writer import Writer
from server.emails.accept import Acceptor
from server.emails.batch import Answer, Batch
from server.emails.draft import draft
from server.emails.jobs import NewJob
from server.emails.request_hash import request_hash
from server.faults import Fault
from server.ids import new_id
from server.wire.caller import KeyCaller, OrganisationCaller
from server.work.backpressure import AcceptLoad
from server.work.notifier import Notifier
from tests.harness.clock import ManualClock
from tests.harness.rows import own_rows, row_count

CALLER = KeyCaller(new_id(), new_id(), "full")
OTHER = KeyCaller(new_id(), new_id(), "full")
DOMAIN = "mail.example.com"


class Usage(NamedTuple):
    """The usage of the only organisation that has sent."""

    day_count: int
    month_count: int
    unique_count: int


def send_request(**fields: Any) -> pb.SendEmailRequest:
    """A request to send a short email to one recipient, with other values for these fields."""
    given = {"from": f"Acme <hello@{DOMAIN}>", "to": ["ada@example.net"], "subject": "Hello", "text": "Hi."}
    return pb.SendEmailRequest(**given | fields)


class Accepting:
    """An acceptor, and what is stored through it."""

    def __init__(self, database: Database, writer: Writer, slow_start: Sequence[int] = ()) -> None:
        self.database = database
        self.writer = writer
        self.clock = ManualClock()
        self.acceptor = Acceptor(writer, self.clock, AcceptLoad(), Notifier(), Notifier(), slow_start)

    async def add_organisation(self, caller: OrganisationCaller, *, plan: Plan = "pro", **own: Any) -> None:
        """Adds the caller's organisation, with its own values for these columns."""
        await self.writer.run(
            add_organisation,
            caller.org_id,
            "Acme",
            owner_email="owner@example.com",
            plan=plan,
            profile=own.pop("profile", "plan"),
            sandbox=own.pop("sandbox", False),
            now_ms=self.clock.now_ms(),
        )
        if own:
            await self.set_organisation(caller, **own)

    async def set_organisation(self, caller: OrganisationCaller = CALLER, **columns: Any) -> None:
        """Changes columns of the caller's organisation."""
        of_caller = organisations.c.org_id == caller.org_id
        await self.writer.run(Tx.change, update(organisations).where(of_caller).values(**columns))

    async def verify(self, caller: OrganisationCaller, domain: str) -> None:
        """Gives the caller's organisation a verified domain."""
        checks = dict.fromkeys(("spf", "dkim", "dmarc", "return_path"), "verified")
        row = {
            "org_id": caller.org_id,
            "id": new_id(),
            "domain": domain,
            "status": "verified",
            "verified": True,
            "created_at": 0,
        }
        await self.writer.run(Tx.change, insert(domains), row | checks)

    async def suppress(self, *addresses: str, org_id: str = CALLER.org_id) -> None:
        """Suppresses addresses."""
        rows = [
            {
                "org_id": org_id,
                "address": address,
                "id": new_id(),
                "origin": "bounce",
                "source_id": None,
                "created_at": 0,
            }
            for address in addresses
        ]
        await self.writer.run(Tx.change, insert(suppressions), rows)

    async def send(
        self,
        *requests: pb.SendEmailRequest,
        strict: bool = False,
        key: str | None = None,
        caller: OrganisationCaller = CALLER,
    ) -> Answer | Fault:
        """The answer to a batch of these requests."""
        whole = pb.BatchSendEmailsRequest(emails=requests)
        items = [draft(request, caller, self.clock.now_ms()) for request in requests]
        return await self.accept(Batch(caller.org_id, items, strict, key, request_hash(whole)))

    async def create_job(
        self,
        *requests: pb.SendEmailRequest,
        key: str | None = None,
        caller: OrganisationCaller = CALLER,
    ) -> Answer | Fault:
        """The answer to a new batch job of these requests."""
        job = NewJob(new_id(), self.clock.now_ms())
        whole = job_pb.CreateBatchJobRequest(emails=requests)
        items = [draft(request, caller, job.created_at, job_id=job.id) for request in requests]
        batch = Batch(
            *(caller.org_id, items, True, key, request_hash(whole)),
            records_suppressed=True,
            test=caller.test,
            job=job,
        )
        return await self.accept(batch)

    async def accept(self, batch: Batch) -> Answer | Fault:
        """The answer to a batch."""
        return await self.acceptor.accept(batch)

    async def results(self, *requests: pb.SendEmailRequest, **options: Any) -> Sequence[Any]:
        """The results of the requests of a batch."""
        answer = await self.send(*requests, **options)
        assert not isinstance(answer, Fault | pb.BatchSendEmailsResponse)
        return answer

    async def count(self, table: Table) -> int:
        """The number of rows in a table."""
        return await row_count(self.database, table)

    async def used(self) -> Usage:
        """The usage of the only organisation that has sent."""
        columns = (usage.c.day_count, usage.c.month_count, usage.c.unique_count)
        [row] = await self.database.read(own_rows, Usage, select(*columns))
        return row
