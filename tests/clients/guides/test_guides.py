"""The programs of `docs/clients` do every step, and the server's own account agrees with what they print.

Each prints one line a step, `<step> <result>`, words separated by one blank, in this order:

    send <email id>
    repeat <email id> replayed           the same call, with the same idempotency key
    batch-permissive sent,error,sent     the second item has an invalid address
    batch-strict INVALID_ARGUMENT VALIDATION_FAILED 1
                                         the same items: code, ErrorInfo.reason, ErrorInfo.metadata["index"]
    get <email id> <subject>
    pages <count>                        the emails on 3 pages of 2 at most, by next_cursor; at least 2 pages
    invalid INVALID_ARGUMENT VALIDATION_FAILED from
                                         a send without `from`: code, reason, first field of BadRequest
    unauthenticated UNAUTHENTICATED INVALID_CREDENTIALS
                                         a call with another key: code, reason
    watch EVENT_TYPE_EMAIL_SENT 2        WatchEvents from a cursor of ListEvents before the send, canceled
                                         after two events of that email: the first one's type, and their
                                         count. Events of other emails come between and are passed over
    resume <event id>                    WatchEvents from the first one's cursor: the next event of that email
    deadline DEADLINE_EXCEEDED           a WatchEvents call with a short deadline
    bad-cursor INVALID_ARGUMENT after    ListEvents after "nonsense": code, first field of BadRequest
    health SERVING                       of zidimail.v1.EmailService

Codes have the names of the gRPC specification. An event type may lack its prefix `EVENT_TYPE_` if the
language's generator drops it. Recipients are at `simulator.test`: every mail is simulated and none leaves.
"""

from pathlib import Path

from zidimail.v1 import email_service_pb2, email_service_pb2_grpc, event_service_pb2, event_service_pb2_grpc

from tests.clients.guides.guide import Guide
from tests.clients.guides.server import Server

STEPS = (
    "send",
    "repeat",
    "batch-permissive",
    "batch-strict",
    "get",
    "pages",
    "invalid",
    "unauthenticated",
    "watch",
    "resume",
    "deadline",
    "bad-cursor",
    "health",
)
PAGE_SIZE = 2
MOST_PAGES = 3
# One by `send`, two by `batch-permissive`. No other step may send anything.
EMAILS_SENT = 3
DEADLINE_S = 10


def test_the_program_of_the_guide_does_every_step(guide: Guide, built: Path, server: Server) -> None:
    sender = f"{guide.language}-{server.name}@{server.domain}"
    lines = [line.partition(" ") for line in guide.run(built, server, sender).splitlines()]
    assert [step for step, _, _ in lines] == list(STEPS)
    results = {step: result for step, _, result in lines}
    with server.channel() as channel:
        emails = email_service_pb2_grpc.EmailServiceStub(channel)
        events = event_service_pb2_grpc.EventServiceStub(channel)
        key = [("authorization", f"Bearer {server.api_key}")]
        sent = results["send"]
        email = emails.GetEmail(
            email_service_pb2.GetEmailRequest(id=sent), metadata=key, timeout=DEADLINE_S
        ).email
        of_sender = emails.ListEmails(
            email_service_pb2.ListEmailsRequest(search=sender), metadata=key, timeout=DEADLINE_S
        )
        total = emails.ListEmails(
            email_service_pb2.ListEmailsRequest(limit=1), metadata=key, timeout=DEADLINE_S
        ).total
        log = events.ListEvents(
            event_service_pb2.ListEventsRequest(email_id=sent), metadata=key, timeout=DEADLINE_S
        ).data
    assert sender in getattr(email, "from")
    assert len(of_sender.data) == EMAILS_SENT
    assert results == {
        "send": of_sender.data[-1].id,
        "repeat": f"{sent} replayed",
        "batch-permissive": "sent,error,sent",
        "batch-strict": "INVALID_ARGUMENT VALIDATION_FAILED 1",
        "get": f"{sent} {email.subject}",
        "pages": str(min(PAGE_SIZE * MOST_PAGES, total)),
        "invalid": "INVALID_ARGUMENT VALIDATION_FAILED from",
        "unauthenticated": "UNAUTHENTICATED INVALID_CREDENTIALS",
        "watch": results["watch"],
        "resume": log[1].id,
        "deadline": "DEADLINE_EXCEEDED",
        "bad-cursor": "INVALID_ARGUMENT after",
        "health": "SERVING",
    }
    assert results["watch"].removeprefix("EVENT_TYPE_") == "EMAIL_SENT 2"
