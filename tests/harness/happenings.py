"""Emails that are accepted and to whose recipients something happens, for the readers of the log."""

from collections.abc import Sequence
from typing import cast

from server.db.writer import Writer
from server.emails import transitions
from server.emails.lifecycle import Effect, Status
from server.emails.transitions import Transition
from tests.delivery.queued import enqueue, rows_of
from tests.harness.clock import START_MS


async def happen(
    writer: Writer,
    org_id: str,
    *types: str,
    to: Sequence[str] = ("bob@example.net",),
    created_at: int = START_MS,
) -> str:
    """Accepts an email and gives its first recipient these events, in order; returns the email's id.

    The first one is `email.sent`, which acceptance leads to.
    """
    accepted, *later = types
    assert accepted == "email.sent"
    [email] = await enqueue(writer, rows_of(org_id, to, accepted_at=created_at))
    if later:
        statuses = [cast(Status, type.removeprefix("email.")) for type in later]
        changes = [Transition(org_id, email.id, 1, status) for status in statuses]
        await reach(writer, changes, created_at)
    return email.id


async def reach(writer: Writer, changes: Sequence[Transition], at_ms: int) -> None:
    """Makes transitions at a time, all of which must be allowed and new."""
    results = await writer.run(transitions.apply, changes, at_ms)
    assert [result.effect for result in results] == [Effect.APPLIED] * len(changes)
