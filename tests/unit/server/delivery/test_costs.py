"""Organisations share the time in which messages are built."""

from itertools import chain

from server.delivery.costs import Costs
from server.queue.rows import Claimed, LeaseKey


def _rows(org_id: str, emails: int, recipients: int = 1) -> list[Claimed]:
    return [
        Claimed(LeaseKey(org_id, f"{org_id}{email}", no, 1, "engine"), "site.test", 0, 0, uncertain=False)
        for email in range(emails)
        for no in range(recipients)
    ]


def _emails(rows: list[Claimed]) -> list[str]:
    return list(dict.fromkeys(row.key.email_id for row in rows))


def test_organisations_take_turns() -> None:
    lists = Costs().lists([*_rows("a", 3), *_rows("b", 2)], most=64)
    assert _emails(list(chain(*lists))) == ["a0", "b0", "a1", "b1", "a2"]


def test_slow_messages_wait_for_as_much_time_of_others() -> None:
    costs = Costs()
    costs.note({"slow": 0.044, "fast": 0.01})
    lists = costs.lists([*_rows("slow", 3), *_rows("fast", 10)], most=64)
    first, second, third = (
        [f"fast{number}" for number in part] for part in ((1, 2, 3, 4), (5, 6, 7, 8), (9,))
    )
    expected = ["fast0", "slow0", *first, "slow1", *second, "slow2", *third]
    assert _emails(list(chain(*lists))) == expected


def test_a_list_holds_messages_of_a_tenth_of_a_second_or_one() -> None:
    costs = Costs()
    costs.note({"a": 0.03, "b": 0.5})
    lists = costs.lists([*_rows("a", 7), *_rows("b", 1)], most=64)
    assert [_emails(rows) for rows in lists] == [["a0"], ["b0"], ["a1", "a2", "a3"], ["a4", "a5", "a6"]]


def test_a_list_ends_at_its_size_and_keeps_the_recipients_of_an_email_together() -> None:
    costs = Costs()
    costs.note({"a": 0.0001})
    lists = costs.lists(_rows("a", 5, recipients=4), most=6)
    assert [len(rows) for rows in lists] == [8, 8, 4]


def test_the_cost_follows_what_messages_take() -> None:
    costs = Costs()
    for _ in range(40):
        costs.note({"a": 1.0})
    for _ in range(40):
        costs.note({"a": 0.0001})
    assert len(costs.lists(_rows("a", 64), most=64)) == 1


def test_no_rows_make_no_list() -> None:
    assert Costs().lists([], most=64) == []
