"""An organisation that pays, on a store, with a PayPal of these tests."""

import ssl
import time
from collections.abc import Mapping

from sqlalchemy import select

from server.accounts import store as accounts
from server.billing import store
from server.billing.certificates import Certificates
from server.billing.events import Events
from server.billing.paypal import PayPal
from server.billing.rereading import Rereading
from server.billing.rules import Subscription
from server.billing.signature import Signatures, Transmission
from server.billing.subscriptions import Subscriptions
from server.db.database import Database
from server.db.tables.accounts import audit_entries
from server.db.writer import Writer
from server.ids import new_id
from server.quotas.plans import change_plan
from tests.harness.clock import ManualClock
from tests.harness.paypal_certificates import authority, trusted_file
from tests.harness.paypal_events import WEBHOOK_ID, event, signed
from tests.harness.paypal_server import CLIENT_ID, CLIENT_SECRET, PRO, SCALE, PayPalServer
from tests.harness.rows import stored

DAY_S = 86_400


class Payer:
    """The parts of billing, for one organisation whose plan is `free` at first."""

    def __init__(
        self,
        database: Database,
        writer: Writer,
        paypal: PayPalServer,
        *,
        org_id: str = "",
        secret: str = CLIENT_SECRET,
        total_s: float = 10.0,
    ) -> None:
        self.database = database
        self.writer = writer
        self.paypal = paypal
        # Certificates are valid now.
        self.clock = ManualClock(time.time_ns() // 1_000_000)
        paypal.now_ms = self.clock.now_ms
        self.org_id = org_id or new_id()
        tls = ssl.create_default_context(cafile=trusted_file())
        self.client = PayPal(
            paypal.url, CLIENT_ID, secret, "https://app.zidimail.test", tls=tls, total_s=total_s
        )
        self.certificates = Certificates(
            self.client.certificates,
            self.clock,
            paypal.url,
            paypal.certificates_url,
            [authority().certificate],
        )
        self.subscriptions = Subscriptions(database, writer, self.clock, self.client, "free")
        signatures = Signatures(self.certificates, WEBHOOK_ID)
        self.events = Events(database, writer, self.clock, signatures, self.subscriptions)
        self.rereading = Rereading(writer, self.clock, self.subscriptions)

    async def start(self) -> None:
        """Makes the organisation, and puts two plans up for sale."""
        await self.add(self.org_id)
        for plan, id in {"pro": PRO, "scale": SCALE}.items():
            await self.writer.run(change_plan, plan, {"paypal_plan_id": id})

    async def add(self, org_id: str) -> None:
        """Makes an organisation."""
        await self.writer.run(
            accounts.add_organisation,
            *(org_id, "Payers"),
            owner_email="ada@example.com",
            plan="free",
            profile="plan",
            sandbox=False,
            now_ms=self.clock.now_ms(),
        )

    async def stop(self) -> None:
        """Closes the connections."""
        await self.client.stop()

    async def paid(self, plan: str = "pro") -> str:
        """The id of a subscription that is approved, paid and known to be."""
        approval = await self.subscriptions.subscribe(self.org_id, plan)
        self.clock.advance(1)
        self.paypal.pay(approval.id)
        await self.report("ACTIVATED", approval.id)
        return approval.id

    def event(self, kind: str, id: str) -> bytes:
        """An event about a subscription as it is at PayPal now."""
        return event(kind, self.paypal.shown(id), self.paypal.time())

    async def report(self, kind: str, id: str) -> str:
        """PayPal reports a new event about a subscription."""
        return await self.take(self.event(kind, id))

    async def take(self, body: bytes, headers: Mapping[str, str] | None = None) -> str:
        """An event arrives, signed by PayPal unless it has other headers."""
        if headers is None:
            headers = signed(body, self.paypal.cert_url, self.paypal.signer)
        return await self.events.take(transmission(body, headers))

    async def plan(self) -> str:
        """The plan of the organisation."""
        row = await self.writer.run(accounts.change_organisation, self.org_id, {})
        assert row is not None
        return row.plan

    async def known(self) -> list[Subscription]:
        """The subscriptions of the organisation, the oldest first."""
        return await self.database.read(store.of_organisation, self.org_id)

    async def live(self) -> list[tuple[str, str]]:
        """The ids and states of the live ones."""
        return [(one.id, one.status) for one in await self.known() if one.live]

    async def audited(self) -> list[tuple[str, str]]:
        """The entries of PayPal in the audit log, the oldest first."""
        query = select(audit_entries.c.method, audit_entries.c.target_id).where(
            audit_entries.c.org_id == self.org_id, audit_entries.c.actor == "internal"
        )
        rows = await stored(self.database, query.order_by(audit_entries.c.id))
        return [(row.method, row.target_id) for row in rows]


def transmission(body: bytes, headers: Mapping[str, str]) -> Transmission:
    """An event as the edge passes it on."""
    return Transmission(
        body,
        headers.get("PAYPAL-TRANSMISSION-ID", ""),
        headers.get("PAYPAL-TRANSMISSION-TIME", ""),
        headers.get("PAYPAL-TRANSMISSION-SIG", ""),
        headers.get("PAYPAL-CERT-URL", ""),
        headers.get("PAYPAL-AUTH-ALGO", ""),
    )
