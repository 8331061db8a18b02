"""A store with one person's data in every table that may hold it, and an eraser."""

from pathlib import Path

from sqlalchemy import select

from server.accounts import audit_store
from server.accounts.audit_store import NewEntry
from server.contacts import lists
from server.contacts import store as contact_store
from server.contacts.store import Changes
from server.db.database import Database
from server.db.schema import metadata
from server.db.tx import Tx
from server.db.writer import Writer
from server.ids import new_id
from server.privacy import erasure_store
from server.privacy.eraser import Eraser, seal_context
from server.privacy.erasure_store import ErasureRow
from server.webhooks import store
from server.webhooks.fan_out import FanOut
from server.webhooks.store import NewWebhook
from server.work.backpressure import Backpressure
from server.work.notifier import Notifier
from tests.delivery.queued import Queued, add_org, domain_of, enqueue, rows_of, seal
from tests.delivery.raw import drafted
from tests.harness.clock import ManualClock
from tests.harness.finished_messages import message
from tests.harness.rows import found
from tests.store.mailing import Mailing, new_mailing

ADA, BOB = "ada.lovelace@receiver.test", "bob@receiver.test"
NAMED = f"Ada Lovelace <{ADA.title()}>"
# Nothing that is left may hold one of these.
PERSONAL = (b"lovelace", b"ada.", "zoë's knee".encode(), b"knee.pdf", b"patient")
TYPES = (
    *("email.sent", "email.delivered", "email.bounced", "email.suppressed", "email.delivery_delayed"),
    *("contact.created", "contact.updated", "contact.deleted"),
)


class Erasing:
    """An organisation, and what it knows about Ada."""

    def __init__(self, database: Database, writer: Writer, folder: Path) -> None:
        self.database, self.writer = database, writer
        self.org_id, self.user_id = new_id(), new_id()
        self.mailing: Mailing = new_mailing(database, writer)
        self.clock: ManualClock = self.mailing.clock
        self.captured = folder / "captured"
        self.captured.mkdir()
        self.fan_out = FanOut(database, writer, self.clock, Notifier(), Notifier(), Backpressure())
        self.eraser = self.another_eraser()

    def another_eraser(self) -> Eraser:
        """An eraser as each process has one."""
        return Eraser(self.database, self.writer, self.clock, seal(), self.captured)

    async def open(self) -> "Erasing":
        """Adds the organisation with a webhook."""
        await self.writer.run(add_org, self.org_id)
        hook = NewWebhook(self.org_id, new_id(), "https://hooks.example.com/", TYPES, b"x", 0)
        await self.writer.submit(store.add, [hook])
        return self

    async def send(self, *to: str, **fields: object) -> Queued:
        """An email."""
        [email] = await enqueue(
            self.writer,
            rows_of(self.org_id, to, accepted_at=self.clock.now_ms(), **fields),  # type: ignore[arg-type]
        )
        return email

    async def send_to_her_alone(self, **fields: object) -> Queued:
        """An email about Ada's health."""
        personal = {
            "subject": "Zoë's knee",
            "text": f"Dear {ADA}, Zoë's knee.",
            "html": f"<p>{ADA}: Zoë's knee</p>",
            "headers": {"X-Patient": "patient 7"},
            "tags": [{"name": "person", "value": "patient-7"}],
            "attachments": [{"filename": "knee.pdf", "content": b"Zo\xc3\xab's knee"}],
        }
        return await self.send(NAMED, **{**personal, **fields})

    async def send_to_both(self) -> Queued:
        """An email to Ada and Bob that names her wherever it can."""
        link = f"https://shop.test/?email={ADA.replace('@', '%40')}&x=1"
        return await self.send(
            "Bob <bob@receiver.test>",
            NAMED,
            bcc=["eve@receiver.test"],
            subject=f"For {ADA} and others",
            text=f"Mail {ADA.upper()} or write to bob. {link}",
            html=f'<a href="mailto:{ADA}">{ADA.replace("@", "&#64;")}</a><a href="{link}">x</a>',
            headers={"X-Original-To": ADA},
        )

    async def send_raw(self, *to: str) -> Queued:
        """A finished message."""
        content = message(
            b"Content-Type: text/plain\r\n\r\nHello.\r\n",
            f"Shop <shop@{domain_of(self.org_id)}>",
            f"X-About: {ADA}",
            to=", ".join(to),
        )
        [email] = await enqueue(self.writer, drafted(self.org_id, content, self.clock.now_ms()))
        return email

    async def note(self) -> None:
        """Ada becomes a contact in a list, and is named in the audit log."""
        made = await self.writer.run(lists.create, self.org_id, "Customers", "", self.clock.now_ms())
        names = Changes("Ada", "Lovelace")
        await self.writer.run(contact_store.create, self.org_id, ADA, names, [made.id], self.clock.now_ms())
        for target in (ADA, ADA.title(), BOB):
            entry = NewEntry(
                *(self.org_id, new_id(), 0, "ContactsService/DeleteContact", target, "session"),
                *(self.user_id, ""),
            )
            await self.writer.run(audit_store.add, entry)

    async def read_log(self) -> None:
        """The readers of the log read it to its end."""
        await self.mailing.count()
        while await self.fan_out.step():
            pass

    async def request(self, address: str = ADA) -> ErasureRow:
        """A new erasure."""
        id, now_ms = new_id(), self.clock.now_ms()
        sealed = seal().seal(address.encode(), seal_context(id))
        row = ErasureRow(
            *(self.org_id, id, "", sealed, self.user_id, "emails", "", 0, 0, 0, 0, now_ms, now_ms, None)
        )
        return await self.writer.run(erasure_store.begin, row, address)

    async def finish(self, row: ErasureRow) -> ErasureRow:
        """The erasure, once it is completed."""
        for _ in range(10_000):
            await self.eraser.step()
            await self.read_log()
            now = await self.database.read(erasure_store.get, row.org_id, row.id)
            assert now is not None
            if now.completed_at is not None:
                return now
        raise AssertionError(f"not completed: {now}")

    async def personal(self) -> dict[str, list[str]]:
        """The tables that hold something personal, with the values."""

        def look(tx: Tx) -> dict[str, list[str]]:
            held: dict[str, list[str]] = {}
            for table in metadata.sorted_tables:
                for row in found(tx, select(*table.c)):
                    for name, value in row._asdict().items():
                        content = value if isinstance(value, bytes) else str(value).encode()
                        if any(text in content.lower() for text in PERSONAL):
                            held.setdefault(table.name, []).append(f"{name}: {content!r}")
            return held

        return await self.database.read(look)
