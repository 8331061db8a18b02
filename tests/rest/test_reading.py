"""Lists with filters, and statistics, by REST (contract rows Z-27, Z-29, F-6, C-20, C-46)."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.harness.waiting import until_sync, until_the_day_is_long
from tests.rest.golden import Description, Golden

EMAIL = {"from": "a@mail.example.net", "to": ["reader@example.org"], "subject": "To be found", "text": "x"}


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [email["id"] for email in answer.json()["data"]]


def test_emails_are_found_by_every_filter(other_api: httpx.Client) -> None:
    """F-6."""
    tagged = {**EMAIL, "tags": [{"name": "season", "value": "winter"}]}
    answer = other_api.post("/v1/emails", json=tagged)
    assert answer.status_code == 200, answer.text
    first = answer.json()["id"]
    second = other_api.post("/v1/emails", json={**EMAIL, "to": ["second-reader@example.org"]}).json()["id"]
    mine = {"search": "reader@example.org"}
    until_sync(
        lambda: ids(other_api.get("/v1/emails", params={**mine, "status": "delivered"})) == [second, first],
        message="never delivered",
    )
    created_at = other_api.get(f"/v1/emails/{second}").json()["created_at"]
    for query, expected in (
        ({"status": ["delivered", "bounced"]}, [second, first]),
        ({"status": "bounced"}, []),
        ({"tag": "season"}, [first]),
        ({"tag": "season:winter"}, [first]),
        ({"tag": "season:summer"}, []),
        ({"domain": "mail.example.net"}, [second, first]),
        ({"since": created_at}, [second]),
        ({"until": created_at}, [first]),
    ):
        assert ids(other_api.get("/v1/emails", params={**mine, **query})) == expected, query
    assert ids(other_api.get("/v1/emails", params={"search": "second-reader"})) == [second]


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("list-status", {"status": "exploded"}),
        ("list-domain", {"domain": "no host"}),
        ("list-since", {"since": "yesterday"}),
        ("list-after", {"after": "x"}),
    ],
)
def test_invalid_filter_is_refused(
    api: httpx.Client, golden: Golden, name: str, query: dict[str, str]
) -> None:
    """C-20."""
    golden.check(f"errors/{name}", api.get("/v1/emails", params=query))


def test_statistics_have_the_documented_shape(other_api: httpx.Client, description: Description) -> None:
    """Z-29, C-46."""
    until_the_day_is_long()
    other_api.post("/v1/emails", json=EMAIL)

    def counted() -> Any:
        answer = other_api.get("/v1/emails/stats", params={"days": 2})
        description.check(answer)
        found = answer.json()
        return found if found["totals"]["delivered"] else None

    found = until_sync(counted, message="nothing was counted")
    assert list(found) == ["days", "totals", "by_status", "daily", "rates"]
    assert found["days"] == 2
    assert found["by_status"]["delivered"] >= 1
    assert [list(day) for day in found["daily"]] == [
        ["date", "sent", "delivered", "bounced", "complained"]
    ] * 2
    assert found["daily"][-1]["date"] == datetime.now(UTC).date().isoformat()
    assert list(found["rates"]) == ["delivery", "bounce", "complaint"]
    assert 0 < found["rates"]["delivery"] <= 1


def test_statistics_go_back_90_days_at_most(api: httpx.Client, golden: Golden) -> None:
    """C-20."""
    assert api.get("/v1/emails/stats").json()["days"] == 30
    assert len(api.get("/v1/emails/stats", params={"days": 365}).json()["daily"]) == 90
    golden.check("errors/stats-days", api.get("/v1/emails/stats", params={"days": 0}))
    golden.check("errors/stats-days-text", api.get("/v1/emails/stats", params={"days": "many"}))


def test_session_reads_statistics(session: httpx.Client) -> None:
    """Z-29."""
    assert session.get("/v1/emails/stats").status_code == 200


def test_statistics_without_mail_are_zeroes(api_of: Callable[[str], httpx.Client], golden: Golden) -> None:
    """Z-29, C-46: rates are 0 when nothing was sent, and every day is there."""
    golden.check("emails/stats-empty", api_of("paused").get("/v1/emails/stats", params={"days": 2}))


@pytest.mark.parametrize("path", ["emails", "domains", "webhooks", "api-keys", "suppressions", "events"])
def test_page_size_has_two_names(other_api: httpx.Client, path: str) -> None:
    """C-19, C-20."""
    answer = other_api.get(f"/v1/{path}", params={"page_size": 1})
    assert answer.json() == other_api.get(f"/v1/{path}", params={"limit": 1}).json()
    assert other_api.get(f"/v1/{path}", params={"page_size": 0}).status_code == 422
    assert other_api.get(f"/v1/{path}", params={"page_size": 99999999999}).status_code == 200
