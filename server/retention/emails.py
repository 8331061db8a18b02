"""Whole emails: the row of each with all that hangs on it. The statistics are counters, and stay."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Table, delete, tuple_

from server.db.keys import in_keys
from server.db.statements import Statement
from server.db.tables.emails import (
    attachment_parts,
    attachments,
    email_contents,
    email_tags,
    emails,
    recipients,
)
from server.db.tables.stats import addressees
from server.db.tx import Tx
from server.retention.kinds import SETTLED, Bound, Found, keys_of, old_rows

# The most emails of one transaction: each has some ten rows.
LIMIT = 100
_BY_EMAIL: Sequence[Table] = (email_contents, attachments, attachment_parts, recipients)
_OLD = old_rows(f"""
    SELECT t.org_id, t.id FROM {{keys}} AS k CROSS JOIN emails AS t
    WHERE t.org_id = k.org_id AND t.id < k.before_id AND {SETTLED.format(id="t.id")}
    LIMIT :limit
""")


class _Tags(NamedTuple):
    org_id: str
    id: str
    tags: str


class _Address(NamedTuple):
    org_id: str
    email_id: str
    address: str


_TAGS = Statement(
    _Tags,
    "SELECT org_id, id, tags FROM emails WHERE (org_id, id) IN {keys} AND tags <> '[]'",
    keys={"org_id": "text", "id": "text"},
)
_ADDRESSES = Statement(
    _Address,
    "SELECT org_id, email_id, address FROM recipients WHERE (org_id, email_id) IN {keys}",
    keys={"org_id": "text", "email_id": "text"},
)


class Emails:
    """Emails that are settled."""

    name = days = "emails"

    def find(self, tx: Tx, bounds: Sequence[Bound]) -> Found:
        """See `Kind`."""
        return _OLD.all(tx, keys_of(bounds), limit=LIMIT)

    def delete(self, tx: Tx, found: Found) -> None:
        """See `Kind`. The two indexes by tag and by address are found by the tags and addresses."""
        tags = [
            (row.org_id, tag, row.id)
            for row in _TAGS.all(tx, found)
            for name, value in json.loads(row.tags)
            for tag in {name, f"{name}:{value}"}
        ]
        if tags:
            columns = (email_tags.c.org_id, email_tags.c.tag, email_tags.c.email_id)
            tx.change(delete(email_tags).where(in_keys(tx, columns, tags)))
        addressed = {
            (row.org_id, row.address.lower().encode(), row.email_id) for row in _ADDRESSES.all(tx, found)
        }
        if addressed:
            tx.change(delete(addressees).where(_in_values(sorted(addressed))))
        for table in _BY_EMAIL:
            tx.change(delete(table).where(in_keys(tx, (table.c.org_id, table.c.email_id), found)))
        tx.change(delete(emails).where(in_keys(tx, (emails.c.org_id, emails.c.id), found)))


def _in_values(keys: Sequence[tuple[str, bytes, str]]) -> ColumnElement[bool]:
    return tuple_(addressees.c.org_id, addressees.c.address, addressees.c.email_id).in_(keys)
