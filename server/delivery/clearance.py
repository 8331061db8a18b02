"""The recipients that may not be sent to any more when their turn has come (contract row C-86).

Much may happen between the acceptance of an email and its MAIL, or between two attempts. What decides is read
in lists: with the emails when these are loaded, which spares the building of what may not be sent, and again
just before MAIL.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple, TypeAlias

from server.account_health.rules import State
from server.clock import Clock
from server.db.database import Database
from server.db.keys import KeyType
from server.db.statements import Statement
from server.db.tx import Tx
from server.delivery.verdict import Outcome, Verdict
from server.emails.hindrance import POLICY, hindrance
from server.emails.lifecycle import Status
from server.suppressions.store import suppressed
from server.work.gathered import Gathered

# A recipient: organisation, email, number.
Recipient: TypeAlias = tuple[str, str, int]
# The outcomes of the recipients that may not be sent to.
Refusals: TypeAlias = Mapping[Recipient, Outcome]

_WAITING: tuple[Status, ...] = ("queued", "delivery_delayed")
_VERDICTS = {None: Verdict.HELD, "failed": Verdict.REFUSED, "suppressed": Verdict.SUPPRESSED}
_KEYS: dict[str, KeyType] = {"org_id": "text", "email_id": "text", "no": "integer"}


class _Standing(NamedTuple):
    """A recipient with what decides about it; `state` is that of its organisation.

    `is_verified` is about the domains of the sender and of the envelope's sender.
    """

    org_id: str
    email_id: str
    no: int
    address: str
    status: Status
    state: State
    is_verified: bool
    erasure_key: bytes | None


_STANDINGS = Statement(
    _Standing,
    """
    SELECT r.org_id, r.email_id, r.no, r.address, r.status, COALESCE(o.state, 'banned') AS state,
        COALESCE(d.verified, FALSE) AND (e.envelope_domain_id IS NULL OR COALESCE(v.verified, FALSE))
            AS is_verified,
        o.erasure_key
    FROM {keys} AS k CROSS JOIN recipients AS r
    JOIN emails AS e ON e.org_id = r.org_id AND e.id = r.email_id
    LEFT JOIN organisations AS o ON o.org_id = e.org_id
    LEFT JOIN domains AS d ON d.org_id = e.org_id AND d.id = e.domain_id
    LEFT JOIN domains AS v ON v.org_id = e.org_id AND v.id = e.envelope_domain_id
    WHERE r.org_id = k.org_id AND r.email_id = k.email_id AND r.no = k.no
    """,
    keys=_KEYS,
)


def refusals(tx: Tx, recipients: Collection[Recipient], now_ms: int) -> Refusals:
    """The outcomes of those of the recipients that may not be sent to at this time."""
    standings = _STANDINGS.all(tx, keys=recipients)
    erasure_keys = {row.org_id: row.erasure_key for row in standings if row.erasure_key}
    addresses = {(row.org_id, row.address.lower()) for row in standings}
    unwanted = suppressed(tx, addresses, now_ms, erasure_keys)
    found: dict[Recipient, Outcome] = {}
    for row in standings:
        outcome = _outcome(row, is_suppressed=(row.org_id, row.address.lower()) in unwanted)
        if outcome is not None:
            found[row[:3]] = outcome
    return found


def _outcome(row: _Standing, *, is_suppressed: bool) -> Outcome | None:
    if row.status not in _WAITING:
        return Outcome(Verdict.REFUSED, 0, POLICY, f"not sent: it is {row.status}")
    found = hindrance(row.state, is_verified=row.is_verified, is_suppressed=is_suppressed)
    return None if found is None else Outcome(_VERDICTS[found.ends_as], 0, POLICY, found.text)


class Clearance:
    """Reads `refusals` for deliveries."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._gathered = Gathered[Recipient, Outcome]("delivery clearance", self._read)

    async def refusals(self, recipients: Collection[Recipient]) -> Refusals:
        """Refusals, with those of others among them. Raises `Unavailable`."""
        return await self._gathered.of(recipients)

    async def _read(self, recipients: Collection[Recipient]) -> Refusals:
        return await self._database.read(refusals, recipients, self._clock.now_ms())
