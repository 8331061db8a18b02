"""An organisation whose mail is sent, counted and judged."""

from dataclasses import dataclass

from server.account_health import store as health
from server.account_health.judging import Healing
from server.account_health.rules import Counts, State, reasons_decided
from server.account_health.store import AccountRow, StateChange
from server.delivery.verdict import Outcome, Stage, Verdict
from tests.store.mailing import Mailing, attempt

DELIVERED = Outcome(Verdict.DELIVERED, 250, "2.0.0", "ok", stage=Stage.DOT)
NO_USER = Outcome(Verdict.BOUNCED, 550, "5.1.1", "no such user", stage=Stage.RCPT)
NO_REASON = Outcome(Verdict.BOUNCED, 550, "5.1.0", "no", stage=Stage.RCPT)
SPAM = Outcome(Verdict.BOUNCED, 550, "5.7.1", "this is spam", stage=Stage.RCPT)
AT_DATA = Outcome(Verdict.BOUNCED, 554, "5.1.1", "no such user", stage=Stage.DATA)
SIMULATED = Outcome(Verdict.BOUNCED, 550, "5.1.1", "no such user", simulated=True, stage=Stage.RCPT)
COMPLAINED = Outcome(Verdict.COMPLAINED, 250, "2.0.0", "ok", stage=Stage.DOT)


@dataclass
class Accounts:
    """Mail of one organisation, with all that judges it."""

    mailing: Mailing
    org_id: str
    healing: Healing

    async def send(self, *outcomes: Outcome) -> None:
        """Sends an email for each outcome, and counts what became of it."""
        await self.accept(len(outcomes))
        await self.settle(*outcomes)
        await self.mailing.count()

    async def accept(self, number: int, *, test: bool = False) -> None:
        """Accepts emails to one recipient each, in one transaction."""
        await self.mailing.accept_all(self.org_id, number, test=test)

    async def settle(self, *outcomes: Outcome) -> None:
        """Attempts as many emails, with these outcomes."""
        left = list(outcomes)
        now_ms = self.mailing.clock.now_ms()
        while left:
            await self.mailing.settle(lambda row, email: attempt(row, email, left.pop(), now_ms))

    async def account(self) -> AccountRow:
        """The account as it is."""
        return (await self.mailing.database.read(health.accounts, [self.org_id]))[self.org_id]

    async def state(self) -> tuple[State, str]:
        """The state and its reasons."""
        account = await self.account()
        return account.state, account.reasons

    async def counts(self, hours: int = 168) -> Counts:
        """The counts of the window."""
        now_ms = self.mailing.clock.now_ms()
        found = await self.mailing.database.read(health.sums, [self.org_id], now_ms, hours)
        return found.get(self.org_id, Counts())

    async def decide(self, state: State, note: str = "") -> None:
        """An operator's decision."""
        before = await self.account()
        change = StateChange(
            before=before,
            state=state,
            reasons=reasons_decided(before.state, state),
            counts=await self.counts(),
            now_ms=self.mailing.clock.now_ms(),
            note=note,
            operator="eve",
        )
        assert await self.mailing.writer.run(health.change_state, change)

    async def history(self) -> list[tuple[str, str, str, str, str]]:
        """The changes, the oldest first: from, to, reasons, note, operator."""
        rows = await self.mailing.database.read(health.history, self.org_id)
        return [(row.previous_state, row.state, row.reasons, row.note, row.operator) for row in rows][::-1]
