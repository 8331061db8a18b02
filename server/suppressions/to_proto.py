"""Suppressions between protobuf and the store."""

from typing import cast

from zidimail.v1 import suppression_pb2

from server.addresses import NotAMailbox, mailbox
from server.ids import is_id
from server.suppressions.store import SuppressionRow
from server.wire.timestamps import timestamp

ORIGIN_PREFIX = "SUPPRESSION_ORIGIN_"
ORIGINS = cast(
    "dict[str, suppression_pb2.SuppressionOrigin]", dict(suppression_pb2.SuppressionOrigin.items())
)


def id_or_address(text: str) -> str:
    """An id as it is, an address as it is stored; empty for anything else, which matches no row."""
    if is_id(text):
        return text
    try:
        return mailbox(text).key
    except NotAMailbox:
        return ""


def suppression_message(row: SuppressionRow) -> suppression_pb2.Suppression:
    """A suppression in protobuf."""
    return suppression_pb2.Suppression(
        id=row.id,
        email=row.address,
        origin=ORIGINS[ORIGIN_PREFIX + row.origin.upper()],
        source_id=row.source_id,
        created_at=timestamp(row.created_at),
        expires_at=None if row.expires_at is None else timestamp(row.expires_at),
    )
