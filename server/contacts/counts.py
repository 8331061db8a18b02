"""The numbers of contacts and lists of an organisation, and their limits, exact on several servers (Z-48)."""

from typing import NamedTuple

from sqlalchemy import func, select

from server.contacts.rules import ContactLimits
from server.db.statements import Change, Statement
from server.db.tables.accounts import organisations
from server.db.tables.contacts import contact_counts
from server.db.tables.quotas import plans
from server.db.tx import Tx


class Counts(NamedTuple):
    """The numbers of contacts and of lists of an organisation."""

    contacts: int
    lists: int


class _Limits(NamedTuple):
    contacts: int | None
    import_rows: int | None
    lists: int | None


_BEGIN = Change("""
    INSERT INTO contact_counts (org_id, contacts, lists) VALUES (:org_id, 0, 0)
    ON CONFLICT (org_id) DO NOTHING
""")
_LOCK = Statement(
    Counts,
    "SELECT contacts, lists FROM contact_counts WHERE org_id = :org_id {postgresql: FOR UPDATE}",
)
_COUNT = Change("""
    UPDATE contact_counts SET contacts = contacts + :contacts, lists = lists + :lists WHERE org_id = :org_id
""")
_LIMITS = ("contact_limit", "contact_import_limit", "contact_list_limit")


def lock(tx: Tx, org_id: str) -> Counts:
    """The organisation's numbers; no other transaction changes its contacts before this one ends."""
    _BEGIN.run(tx, [{"org_id": org_id}])
    counts = _LOCK.first(tx, org_id=org_id)
    assert counts is not None
    return counts


def count(tx: Tx, org_id: str, *, contacts: int = 0, lists: int = 0) -> None:
    """Adds to the numbers of the organisation, which this transaction has locked."""
    _COUNT.run(tx, [{"org_id": org_id, "contacts": contacts, "lists": lists}])


def limits_of(tx: Tx, org_id: str) -> ContactLimits:
    """The limits of an organisation: its own numbers, or those of its plan."""
    columns = [
        func.coalesce(organisations.c[name], plans.c[name]).label(field)
        for name, field in zip(_LIMITS, _Limits._fields, strict=True)
    ]
    query = (
        select(*columns)
        .join(plans, plans.c.plan == organisations.c.plan)
        .where(organisations.c.org_id == org_id)
    )
    found = tx.first(_Limits, query)
    assert found is not None
    return ContactLimits(*found)


def quota(tx: Tx, org_id: str) -> tuple[ContactLimits, Counts]:
    """The limits of an organisation, and its numbers."""
    columns = (contact_counts.c.contacts, contact_counts.c.lists)
    counts = tx.first(Counts, select(*columns).where(contact_counts.c.org_id == org_id))
    return limits_of(tx, org_id), counts or Counts(0, 0)
