"""The ledger detects each kind of broken promise."""

from pathlib import Path

import pytest

from tests.harness.ledger import ClientBook, Kill, Stored, Taken, compare


@pytest.fixture
def client(tmp_path: Path) -> ClientBook:
    """A client with acknowledgements of a, b and c, and none of d."""
    book = ClientBook(tmp_path / "client")
    for ledger_id in "abcd":
        book.submitting(ledger_id, ["ok@r.test"])
    for ledger_id in "abc":
        book.acknowledge(ledger_id, f"id-{ledger_id}")
    return book


def stored(ledger_id: str, status: str, *, queued: bool = False, email_id: str | None = None) -> Stored:
    return Stored(email_id or f"id-{ledger_id}", ledger_id, "ok@r.test", status, queued, 0)


def taken(ledger_id: str, at_ms: int = 0) -> Taken:
    return Taken(at_ms, ledger_id, f"<{ledger_id}>", "ok@r.test")


SERVER = [stored("a", "delivered"), stored("b", "queued", queued=True), stored("c", "bounced")]


def test_delivered_queued_and_refused_emails_are_not_lost(client: ClientBook) -> None:
    report = compare(client, [taken("a")], SERVER, set(), [])
    assert report.is_clean
    assert (report.submitted, report.acknowledged, report.taken, report.queued, report.refused) == (
        4,
        3,
        1,
        1,
        1,
    )


def test_an_email_that_only_the_server_calls_delivered_is_lost(client: ClientBook) -> None:
    assert compare(client, [], SERVER, set(), []).lost == ["a/ok@r.test"]


def test_acknowledged_email_unknown_to_server_and_receiver_is_lost(client: ClientBook) -> None:
    assert compare(client, [taken("a")], SERVER[:2], set(), []).lost == ["c/ok@r.test"]


def test_email_that_no_client_submitted_is_a_ghost(client: ClientBook) -> None:
    assert compare(client, [taken("a"), taken("x")], SERVER, set(), []).ghosts == ["x/ok@r.test"]


def test_email_sent_without_a_commit_is_reported(client: ClientBook) -> None:
    assert compare(client, [taken("a"), taken("d")], SERVER, set(), []).unrecorded == ["d/ok@r.test"]


def test_a_duplicate_is_counted_in_the_window_of_the_kill_that_followed_it(client: ClientBook) -> None:
    kills = [Kill(10, "random"), Kill(30, "smtp.after_dot")]
    report = compare(client, [taken("a", 20), taken("a", 40)], SERVER, {"id-a"}, kills)
    assert report.duplicates == {"smtp.after_dot": 1}
    assert report.is_clean


def test_a_duplicate_without_a_flag_is_a_broken_promise(client: ClientBook) -> None:
    report = compare(client, [taken("a", 20), taken("a", 40)], SERVER, set(), [])
    assert report.unflagged == ["a/ok@r.test"]
    assert not report.is_clean


def test_two_emails_of_one_submission_are_reported(client: ClientBook) -> None:
    twice = [*SERVER, stored("b", "queued", queued=True, email_id="another")]
    assert compare(client, [taken("a")], twice, set(), []).accepted_twice == ["b/ok@r.test"]
    client.acknowledge("a", "another")
    assert not compare(client, [taken("a")], SERVER, set(), []).is_clean
