"""What clients of Resend's wire write besides the documented way, and what must not be lost of it."""

from typing import Any

import pytest

from edge.dialects.zidimail.shapes import EMAILS, REQUEST_SHAPES
from edge.dialects.zidimail.spellings import mailboxes

shape = REQUEST_SHAPES[EMAILS + "SendEmail"]


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
def test_one_text_may_hold_several_addresses(text: str, found: list[str]) -> None:
    assert mailboxes(text) == found


def test_a_text_of_commas_alone_takes_no_long_time() -> None:
    assert mailboxes('"' + "," * 1_000_000) == ['"' + "," * 1_000_000]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ({"replyTo": "a@example.org"}, {"reply_to": ["a@example.org"]}),
        ({"replyTo": ["a@example.org"]}, {"reply_to": ["a@example.org"]}),
        ({"replyTo": "a@example.org", "reply_to": "b@example.org"}, {"reply_to": ["b@example.org"]}),
        ({"scheduledAt": "2030-01-01T00:00:00Z"}, {"scheduled_at": "2030-01-01T00:00:00Z"}),
    ],
)
def test_names_as_in_javascript_are_read(written: dict[str, Any], read: dict[str, Any]) -> None:
    assert read.items() <= shape(written).items()


@pytest.mark.parametrize("value", [None, 1, True, {"a": 1}])
def test_what_such_a_name_cannot_stand_for_is_an_unknown_field(value: object) -> None:
    """C-50."""
    assert "reply_to" not in shape({"replyTo": value})


def test_files_have_such_names_too() -> None:
    [file] = shape({"attachments": [{"contentType": "text/x-own", "contentId": "logo"}]})["attachments"]
    assert (file["content_type"], file["content_id"]) == ("text/x-own", "logo")
    [file] = shape({"attachments": [{"inline_content_id": "logo"}]})["attachments"]
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
def test_a_header_that_repeats_reply_to_says_nothing_new(header: str, left: dict[str, str]) -> None:
    email = {"reply_to": "Änn <a@example.org>", "headers": {"Reply-To": header}}
    assert shape(email)["headers"] == left
