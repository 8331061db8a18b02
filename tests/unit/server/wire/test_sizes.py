"""Requests are counted on the wire before they are parsed."""

import pytest
from zidimail.v1 import email_service_pb2 as emails
from zidimail.v1 import event_service_pb2 as events

from server.faults import ValidationFailed
from server.wire.sizes import MAX_ENTRIES, count_entries, fields_of

SEND = fields_of(emails.SendEmailRequest.DESCRIPTOR)
BATCH = fields_of(emails.BatchSendEmailsRequest.DESCRIPTOR)
LIST = fields_of(events.ListEventsRequest.DESCRIPTOR)


def email(**fields: object) -> emails.SendEmailRequest:
    return emails.SendEmailRequest(**fields)  # type: ignore[arg-type]


def test_largest_lists_pass() -> None:
    count_entries(SEND, email(to=["a"] * MAX_ENTRIES, html="x" * 9_999).SerializeToString())
    count_entries(LIST, events.ListEventsRequest(types=[1] * MAX_ENTRIES, limit=300).SerializeToString())


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"to": [""] * 1_001}, "to"),
        ({"headers": {f"X-{number}": "" for number in range(1_001)}}, "headers"),
        ({"tags": [{}] * 1_001}, "tags"),
        ({"attachments": [{}] * 1_001}, "attachments"),
    ],
)
def test_longer_list_is_refused_by_its_name(fields: dict[str, object], named: str) -> None:
    for body, shape, path in (
        (email(**fields), SEND, named),
        (
            emails.BatchSendEmailsRequest(emails=[email(), email(text="x" * 5_000, **fields)]),
            BATCH,
            f"emails[1].{named}",
        ),
    ):
        with pytest.raises(ValidationFailed) as refused:
            count_entries(shape, body.SerializeToString())
        assert refused.value.violations[0].field == path


@pytest.mark.parametrize(
    "body",
    [
        events.ListEventsRequest(types=[1] * 1_001).SerializeToString(),  # numbers, in one length
        b"\xf8\x7f\x01" * 1_001,  # unknown fields
        b"\x18\x01" * 1_001,  # a number that counts once, again and again
        b"\x0b" + b"\x0a\x00" * 2_000,  # a group
        b"\x0a",
        b"\xff" * 20,
    ],
)
def test_other_ways_to_be_long_are_refused(body: bytes) -> None:
    with pytest.raises(ValidationFailed):
        count_entries(LIST, body)
