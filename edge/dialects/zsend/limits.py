"""The limits of one email on `/api/v1/zsend` (S-4, C-22): those of the core are wider, or of the plan."""

from __future__ import annotations

from collections.abc import Iterator

from zidimail.v1.batch_job_service_pb2 import CreateBatchJobRequest
from zidimail.v1.email_service_pb2 import SendEmailRequest

from edge.files_apart import size_of
from edge.transcoding.status import Violation, invalid
from edge.transcoding.values import VIOLATIONS_SHOWN

MIB = 1 << 20
SUBJECT = 998
BODY = 5 * MIB
FILE = 10 * MIB
EMAIL = 10 * MIB


def check_email(email: SendEmailRequest) -> None:
    """Raises Failure for an email that is beyond a limit."""
    _refuse(list(_violations(email)))


def check_scheduled(email: SendEmailRequest) -> None:
    """As `check_email`, and for an email without its time (S-7)."""
    missing = [] if email.HasField("scheduled_at") else [Violation("scheduled_at", "is required")]
    _refuse([*missing, *_violations(email)])


def check_job(job: CreateBatchJobRequest) -> None:
    """Raises Failure that names every email beyond a limit (C-26)."""
    _refuse([violation for at, email in enumerate(job.emails) for violation in _violations(email, at)])


def _refuse(violations: list[Violation]) -> None:
    if violations:
        raise invalid(violations[:VIOLATIONS_SHOWN])


def _violations(email: SendEmailRequest, at: int | None = None) -> Iterator[Violation]:
    # The documented text about a subject holds the name of the field (S-5).
    for text in _texts(email, "" if at is None else f"emails[{at}]."):
        yield Violation("", text)


def _texts(email: SendEmailRequest, within: str) -> Iterator[str]:
    if len(email.subject) > SUBJECT:
        yield f"{within}subject length ({len(email.subject)}) exceeds maximum ({SUBJECT} characters)"
    html, text = len(email.html.encode()), len(email.text.encode())
    for name, size in (("html", html), ("text", text)):
        if size > BODY:
            yield f"{within}{name} {_beyond(size, BODY)}"
    files = [size_of(file.content) for file in email.attachments]
    for index, size in enumerate(files):
        if size > FILE:
            yield f"{within}attachments[{index}] {_beyond(size, FILE)}"
    headers = sum(len(name.encode()) + len(value.encode()) for name, value in email.headers.items())
    whole = html + text + headers + sum(files)
    if whole > EMAIL:
        yield f"{within}total {_beyond(whole, EMAIL)}, attachments and headers included"


def _beyond(size: int, most: int) -> str:
    return f"size ({size} bytes) exceeds maximum ({most // MIB} MB)"
