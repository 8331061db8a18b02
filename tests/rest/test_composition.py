"""Text as other libraries write it: read, shown and delivered by its meaning (C-54, C-55, C-56)."""

import httpx
import pytest

from tests.harness.stack import Stack
from tests.rest.test_attachments import arrived
from tests.rest.test_emails import EMAIL, delivered

ENCODED = {
    **EMAIL,
    "from": "=?utf-8?q?Gr=C3=B6=C3=9Fe?= <hello@mail.example.com>",
    "to": ["=?utf-8?b?SsO2cmc=?= <j@bücher.example>, Doe, Jane <jane@example.org>", "a..b@docomo.example"],
    "subject": "=?utf-8?b?R3LDtsOfZQ==?= =?utf-8?b?R3LDtsOfZQ==?=",
    "headers": {"X-Note": "  Größe\t", "Disposition-Notification-To": "Jörg <j@bücher.example>"},
}


def test_encoded_words_are_shown_and_delivered_decoded(api: httpx.Client, rest: Stack) -> None:
    id = api.post("/v1/emails", json=ENCODED).json()["id"]
    read = delivered(api, id).json()
    assert read["from"] == "Größe <hello@mail.example.com>"
    assert read["subject"] == "GrößeGröße"
    assert read["to"] == [
        "Jörg <j@xn--bcher-kva.example>",
        "Doe, Jane <jane@example.org>",
        "a..b@docomo.example",
    ]
    message = arrived(rest, id)
    assert message["Subject"] == "GrößeGröße"
    assert message["X-Note"] == "Größe"
    raw = message.as_bytes()
    assert b"j@xn--bcher-kva.example" in raw
    assert b'"a..b"@docomo.example' in raw
    assert (rest.captured / f"{id}.3.eml").exists()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"subject": "=?utf-8?q?a=0D=0ABcc:_e@x.y?="}, "subject"),
        ({"from": "=?utf-8?q?a=0Ab?= <hello@mail.example.com>"}, "from"),
        ({"to": ["a@example.org, nonsense"]}, "to[0]"),
        ({"to": ["a@example.org," * 51]}, "to"),
        ({"headers": {"Reply-To": "nonsense"}}, "headers.Reply-To"),
        ({"headers": {"List-Unsubscribe": "nonsense"}}, "headers.List-Unsubscribe"),
        ({"headers": {"In-Reply-To": "nonsense"}}, "headers.In-Reply-To"),
        ({"headers": {"List-ID": f"<{'n' * 890}.{'m' * 200}>"}}, "headers.List-ID"),
        (
            {"attachments": [{"filename": "=?utf-8?q?a=0Db?=", "content": "", "content_type": "text/x"}]},
            "attachments[0].filename",
        ),
    ],
)
def test_values_that_cannot_be_written_are_refused_by_name(
    api: httpx.Client, changes: dict[str, object], named: str
) -> None:
    answer = api.post("/v1/emails", json={**EMAIL, **changes})
    assert answer.status_code == 422
    assert named in answer.text
