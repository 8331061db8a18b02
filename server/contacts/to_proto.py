"""Rows of contacts and lists as messages."""

from zidimail.v1 import contact_pb2

from server.contacts.contact import ContactRow
from server.contacts.counts import Counts
from server.contacts.lists import ListRow
from server.contacts.rules import ContactLimits, Name
from server.wire.timestamps import timestamp


def contact_message(row: ContactRow) -> contact_pb2.Contact:
    """One contact."""
    return contact_pb2.Contact(
        id=row.id,
        email=row.email,
        name=Name(row.first_name, row.last_name).whole,
        first_name=row.first_name,
        last_name=row.last_name,
        unsubscribed=row.unsubscribed,
        created_at=timestamp(row.created_at),
    )


def list_message(row: ListRow) -> contact_pb2.ContactList:
    """One list."""
    return contact_pb2.ContactList(
        id=row.id,
        name=row.name,
        description=row.description,
        member_count=row.member_count,
        created_at=timestamp(row.created_at),
    )


def quota_message(limits: ContactLimits, counts: Counts) -> contact_pb2.ContactQuota:
    """The quota of an organisation."""
    return contact_pb2.ContactQuota(
        max_contacts=limits.contacts,
        current_count=counts.contacts,
        max_import_rows=limits.import_rows,
        max_lists=limits.lists,
        current_lists=counts.lists,
    )
