"""Alternative forms of emails from Resend's clients keep all of their values."""

from typing import Any

import pytest
from zidimail.v1 import email_service_pb2 as pb

from edge.dialects.zidimail.aliases import mailboxes
from tests.unit.edge.transcoding.contract import DIALECT

read = DIALECT.requests.reader(pb.SendEmailRequest.DESCRIPTOR)
assert read is not None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("a@example.org", ["a@example.org"]),
        ("a@example.org, Bob <b@example.org>", ["a@example.org", "Bob <b@example.org>"]),
        ("a@example.org,b@example.org,", ["a@example.org", "b@example.org"]),
        ("Doe, Jane <j@example.org>", ["Doe, Jane <j@example.org>"]),
        ('"Doe, Jane" <j@example.org>', ['"Doe, Jane" <j@example.org>']),
        (
            '"j@home, \\" or, not" <j@example.org>, b@example.org',
            ['"j@home, \\" or, not" <j@example.org>', "b@example.org"],
        ),
        ('a@example.org, "b@', ["a@example.org", '"b@']),
        (",", []),
    ],
)
def test_one_text_may_hold_several_addresses_separated_by_commas(text: str, found: list[str]) -> None:
    assert mailboxes(text) == found


def test_a_million_commas_are_read_in_linear_time() -> None:
    assert mailboxes('"' + "," * 1_000_000) == ['"' + "," * 1_000_000]


@pytest.mark.parametrize(
    ("written", "accepted"),
    [
        ({"replyTo": "a@example.org"}, {"reply_to": ["a@example.org"]}),
        ({"replyTo": ["a@example.org"]}, {"reply_to": ["a@example.org"]}),
        ({"replyTo": "a@example.org", "reply_to": "b@example.org"}, {"reply_to": ["b@example.org"]}),
        ({"scheduledAt": "2030-01-01T00:00:00Z"}, {"scheduled_at": "2030-01-01T00:00:00Z"}),
    ],
)
def test_camel_case_names_are_accepted(written: dict[str, Any], accepted: dict[str, Any]) -> None:
    assert accepted.items() <= read(written).items()


@pytest.mark.parametrize("value", [None, 1, True, {"a": 1}])
def test_camel_case_names_of_other_values_are_unknown_fields(value: object) -> None:
    """C-50."""
    assert "reply_to" not in read({"replyTo": value})


def test_camel_case_names_are_accepted_in_attachments() -> None:
    [file] = read({"attachments": [{"contentType": "text/x-own", "contentId": "logo"}]})["attachments"]
    assert (file["content_type"], file["content_id"]) == ("text/x-own", "logo")
    [file] = read({"attachments": [{"inline_content_id": "logo"}]})["attachments"]
    assert file["content_id"] == "logo"


@pytest.mark.parametrize(
    ("header", "left"),
    [
        ("Ann <a@example.org>", {}),
        ("=?utf-8?Q?=C3=84nn?= <A@example.org>", {}),
        ("b@example.org", {"Reply-To": "b@example.org"}),
        ("a@example.org, b@example.org", {"Reply-To": "a@example.org, b@example.org"}),
    ],
)
def test_a_header_that_repeats_reply_to_is_removed_and_another_one_stays(
    header: str, left: dict[str, str]
) -> None:
    email = {"reply_to": "Änn <a@example.org>", "headers": {"Reply-To": header}}
    assert read(email)["headers"] == left
