"""Builds the package."""

from dataclasses import dataclass

from zidimail.v1 import attachment_service_pb2, batch_job_service_pb2, email_service_pb2

from server.emails import idempotency
from server.emails.accept import Acceptor
from server.emails.attachments import FETCH_S, Links
from server.emails.files import AttachmentServicer
from server.emails.job_rpc import BatchJobServicer
from server.emails.prospects import Prospects
from server.emails.raw_submission import RawSubmission
from server.emails.release import Releaser
from server.emails.rpc import EmailServicer
from server.emails.staging import Staging
from server.emails.submission import Submission
from server.emails.system_mail import SystemMail
from server.events.cursors import Cursors
from server.kernel import Kernel, Package
from server.net.http import GuardedClient
from server.work.sweeper import Sweeper

_USER_AGENT = "ZidiMail-Attachments/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Emails(Package):
    """Emails; `system_mail` sends those of the platform itself."""

    system_mail: SystemMail


def build(kernel: Kernel) -> Emails:
    """Accepts and shows emails, releases scheduled ones, and deletes idempotency keys after their time."""
    database, writer, clock, settings = kernel.database, kernel.writer, kernel.clock, kernel.settings
    client = GuardedClient(
        kernel.resolver,
        allow_private_networks=settings.allow_private_networks,
        user_agent=_USER_AGENT,
        total_s=FETCH_S,
    )
    prospects = Prospects(database, clock, settings.support_url)
    links = Links(prospects, client)
    staging = Staging(writer, clock, prospects)
    acceptor = Acceptor(
        writer,
        clock,
        kernel.backpressure.load,
        kernel.mail_queued,
        kernel.events_appended,
        settings.slow_start,
        settings.support_url,
    )
    system_mail = SystemMail(writer, clock, acceptor, settings.system_from)
    submission = Submission(acceptor, links, staging, kernel.long_work, clock)
    releaser = Releaser(
        database, writer, clock, kernel.mail_queued, kernel.events_appended, settings.slow_start
    )

    async def sweep() -> bool:
        return await writer.run(idempotency.sweep, clock.now_ms())

    emails = email_service_pb2.DESCRIPTOR.services_by_name["EmailService"]
    attachments = attachment_service_pb2.DESCRIPTOR.services_by_name["AttachmentService"]
    batch_jobs = batch_job_service_pb2.DESCRIPTOR.services_by_name["BatchJobService"]
    return Emails(
        servicers={
            emails: EmailServicer(
                database,
                writer,
                submission,
                RawSubmission(submission, kernel.long_work, clock, settings.hostname),
                kernel.long_work,
                clock,
                kernel.events_appended,
                Cursors(settings.secret),
            ),
            attachments: AttachmentServicer(database),
            batch_jobs: BatchJobServicer(database, submission),
        },
        delivering=[releaser],
        system_mail=system_mail,
        serving=[system_mail, links, Sweeper("emails.sweep", sweep), Sweeper("emails.staged", staging.sweep)],
    )
