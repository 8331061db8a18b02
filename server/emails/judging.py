"""The items of a batch, judged one by one: anything that goes wrong with one of them is its fault alone."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog
from zidimail.v1 import email_service_pb2 as pb

from server.db.submissions import Act
from server.db.tx import Tx
from server.db.writer import Writer
from server.emails.batch import Batch
from server.emails.draft import Draft, draft
from server.faults import Fault, Internal
from server.ids import new_id
from server.wire.caller import OrganisationCaller

_log = structlog.get_logger()


class _Rehearsed(Exception):
    """Ends the transaction of a rehearsal, of which nothing may stay."""


def judged(
    request: pb.SendEmailRequest,
    caller: OrganisationCaller,
    now_ms: int,
    *,
    job_id: str | None = None,
    added_headers: int = 0,
) -> Draft | Fault:
    """As `draft`; an unexpected error is logged and becomes `Internal`."""
    return guarded(lambda: draft(request, caller, now_ms, job_id=job_id, added_headers=added_headers))


def guarded(read: Callable[[], Draft | Fault]) -> Draft | Fault:
    """The result of `read`; an unexpected error in it is logged and becomes `Internal`."""
    try:
        return read()
    except Exception:
        return _internal("an email could not be judged")


async def without_culprits(writer: Writer, act: Act, batch: Batch) -> Batch:
    """The batch with `Internal` instead of each draft of which `act` cannot be done.

    `act` is tried with each of them alone, in transactions that are rolled back. Raises the faults that
    concern the store, such as `Unavailable`.
    """
    items: list[Draft | Fault] = []
    for item in batch.items:
        alone = Batch(batch.org_id, [item], strict=False, test=batch.test)
        items.append(item if isinstance(item, Fault) else await _tried(writer, act, alone, item))
    return replace(batch, items=items)


async def _tried(writer: Writer, act: Act, alone: Batch, item: Draft) -> Draft | Fault:
    def rehearse(tx: Tx, batches: Sequence[Batch]) -> None:
        act(tx, list(batches))
        raise _Rehearsed

    try:
        await writer.run(rehearse, [alone])
    except _Rehearsed:
        return item
    except Fault:
        raise
    except Exception:
        return _internal("an email could not be accepted")
    raise AssertionError("a rehearsal always raises")


def _internal(event: str) -> Internal:
    id = new_id()
    _log.exception(event, request_id=id)
    return Internal(id)
