"""The list of locks is read from the SQL of the server: each has a test."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import server

SERVER = Path(server.__file__).parent
LOCKING = re.compile(
    r"\bFOR (NO KEY UPDATE|UPDATE|SHARE|KEY SHARE)\b|\bSKIP LOCKED\b|\bpg_advisory|\bLOCK TABLE\b"
)
# Each lock in the SQL of the server, by the name of its statement or function, and its test.
TESTS = {
    "server.accounts.attempts._COUNTED": "test_attempts_of_one_moment_count_one_after_the_other",
    "server.accounts.invitation_store.take": "test_invitation_is_taken_once",
    "server.accounts.member_store.lock_owners": "test_owners_change_one_after_the_other",
    "server.accounts.oidc_store.claim": "test_login_takes_the_first_code_alone",
    "server.accounts.request_store.take": "test_request_is_taken_once",
    "server.accounts.request_store.unmailed": "test_servers_mail_requests_one_after_the_other",
    "server.accounts.store.is_unchanged": "test_login_waits_for_a_change_of_the_password",
    "server.accounts.store.organisation": "test_organisation_is_changed_by_one_at_a_time",
    "server.billing.store.claim": "test_servers_claim_different_subscriptions",
    "server.billing.store.lock_organisation": "test_organisation_is_changed_by_one_at_a_time",
    "server.emails.staging._discard": "test_contents_of_an_accepted_email_are_not_discarded",
    "server.contacts.counts._LOCK": "test_contacts_are_counted_one_after_the_other",
    "server.domains.store.get": "test_domain_is_changed_by_one_at_a_time",
    "server.emails.due._DUE": "test_servers_release_different_emails",
    "server.emails.transitions._LOCK": "test_last_recipient_settles_the_email",
    "server.events.log._LOCK": "test_units_are_locked_in_one_order",
    "server.limits._LOCK": "test_last_place_is_given_once",
    "server.queue.statements.CLAIM": "test_servers_claim_different_rows",
    "server.queue.statements.LEASES": "test_lease_is_settled_once",
    "server.queue.statements.RESUME": "test_servers_resume_different_rows",
    "server.quotas.plans.locked": "test_plans_are_changed_one_after_the_other",
    "server.quotas.store._LOCK": "test_usage_is_charged_one_after_the_other",
    "server.webhooks.health._LOCKED_HEALTH": "test_health_of_a_webhook_is_judged_one_after_the_other",
    "server.webhooks.queue._TAKE": "test_servers_take_different_calls",
    "server.webhooks.settling._PRESENT": "test_attempt_waits_for_the_removal_of_its_webhook",
    "server.webhooks.store._DISABLED": "test_calls_wait_for_a_webhook_that_is_enabled_meanwhile",
    "server.webhooks.store._STATUSES": "test_webhook_stays_as_its_readers_saw_it",
}
Documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def is_locking(node: ast.stmt) -> bool:
    """True if a statement or function holds SQL that locks rows; docstrings are none."""
    inner = list(ast.walk(node))
    docstrings = {ast.get_docstring(part, clean=False) for part in inner if isinstance(part, Documented)}
    texts = {part.value for part in inner if isinstance(part, ast.Constant) and isinstance(part.value, str)}
    return any(LOCKING.search(text) for text in texts - docstrings) or any(
        isinstance(part, ast.Attribute) and part.attr == "with_for_update" for part in inner
    )


def locks_of(text: str) -> Iterator[str]:
    """The names of the statements, functions and classes of a module that lock rows."""
    for node in ast.parse(text).body:
        if not is_locking(node):
            continue
        if isinstance(node, Documented):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield ast.unparse(node.targets[0])
        else:
            yield f"line {node.lineno}"


def test_each_lock_has_a_test() -> None:
    found = {
        ".".join([*path.relative_to(SERVER.parent).with_suffix("").parts, name])
        for path in SERVER.rglob("*.py")
        # That of migrations is tried by programs (tests/acceptance/test_first_starts.py).
        if "migrations" not in path.parts
        for name in locks_of(path.read_text())
    }
    assert found - TESTS.keys() == set(), "write a test of two transactions for each"
    assert TESTS.keys() - found == set(), "the lock is gone: who waits now?"
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_locks_of_*.py"))
    assert [test for test in TESTS.values() if f"async def {test}(" not in tests] == []


def test_locks_are_found_in_any_form() -> None:
    text = '''
A = Statement(Row, "SELECT 1 {postgresql: FOR UPDATE OF q}")
B = Statement(Row, "SELECT 1 FOR SALE")
def c(tx): tx.all(Row, query.with_for_update(skip_locked=True))
def d(tx):
    """Waits FOR UPDATE of others."""
tx.execute("LOCK TABLE emails")
'''
    assert list(locks_of(text)) == ["A", "c", "line 7"]
