"""The emails of a batch that would be accepted now: only for those are files fetched or stored before."""

from collections.abc import Sequence
from typing import NamedTuple

from server.clock import Clock
from server.db.database import Database
from server.emails.admission import Admission, Refusal
from server.emails.batch import Batch
from server.emails.candidate import Remembered
from server.emails.draft import Draft
from server.emails.facts import read_facts
from server.faults import Fault
from server.quotas.rules import Limits


class Outlook(NamedTuple):
    """The limits of an organisation, its emails without a fault so far, and the faults of the others in their
    order: None for one whose answer is remembered."""

    limits: Limits
    promising: list[Draft]
    others: list[tuple[Draft, Fault | None]]


class Prospects:
    """Looks at batches before they are accepted; `support_url` is where a customer appeals (C-69)."""

    def __init__(self, database: Database, clock: Clock, support_url: str = "") -> None:
        self._database = database
        self._clock = clock
        self._support_url = support_url

    async def outlook(self, batch: Batch, drafts: Sequence[Draft]) -> Outlook:
        """The outlook of some of a batch's drafts."""
        key = batch.key
        facts = await self._database.read(
            read_facts,
            "fetch",
            drafts,
            [batch.org_id],
            self._clock.now_ms(),
            batch_keys=[] if key is None else [key],
            support_url=self._support_url,
        )
        admission = Admission(facts)
        is_repeated = key is not None and admission.earlier(key, batch.request_hash) is not None
        promising: list[Draft] = []
        others: list[tuple[Draft, Fault | None]] = []
        for item in drafts:
            decision = admission.decide(item, "fetch")
            if is_repeated or isinstance(decision, Remembered):
                others.append((item, None))
            elif isinstance(decision, Refusal):
                others.append((item, decision.fault))
            else:
                promising.append(item)
        account, _ = facts.accounts[batch.org_id]
        return Outlook(account.limits, promising, others)
