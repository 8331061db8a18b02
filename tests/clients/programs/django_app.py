"""An application of Django with django-anymail's backend for Resend; run by its own interpreter.

`django_app.py send EMAIL` sends a mail, given as JSON, and prints the status of each recipient;
`django_app.py track` serves the tracking view on a free port, prints the port, then each event, a line each.
"""

import json
import os
import sys
from email.utils import formataddr
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="of this process only",  # noqa: S106
    ROOT_URLCONF="anymail.urls",
    INSTALLED_APPS=["anymail"],
    EMAIL_BACKEND="anymail.backends.resend.EmailBackend",
    ANYMAIL={
        "RESEND_API_KEY": os.environ["RESEND_API_KEY"],
        "RESEND_API_URL": os.environ["RESEND_BASE_URL"],
        "RESEND_SIGNING_SECRET": os.environ.get("SIGNING_SECRET"),
    },
)
django.setup()

from anymail.message import AnymailMessage  # noqa: E402
from anymail.signals import tracking  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402


def send(email: dict[str, Any]) -> None:
    """Sends an email with a file of each kind that Django has, and says what became of each recipient."""
    attachments, html = email.pop("attachments", ()), email.pop("html")
    message = AnymailMessage(**email | {"to": [formataddr(tuple(each)) for each in email["to"]]})
    message.attach_alternative(html, "text/html")
    for name, text, kind in attachments:
        message.attach(name, text, kind)
    message.send()
    recipients = message.anymail_status.recipients
    print(json.dumps({each: [status.status, status.message_id] for each, status in recipients.items()}))


def track() -> None:
    """Serves until it is killed."""

    def print_event(event: Any, **_: Any) -> None:
        names = ("event_type", "message_id", "event_id", "recipient", "tags", "metadata", "reject_reason")
        shown = {name: getattr(event, name) for name in names}
        print(json.dumps({**shown, "timestamp": event.timestamp.isoformat()}), flush=True)

    tracking.connect(print_event, weak=False)
    with make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet) as server:
        print(server.server_port, flush=True)
        server.serve_forever()


class Quiet(WSGIRequestHandler):
    """No access log."""

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


if sys.argv[1] == "send":
    send(json.loads(sys.argv[2]))
else:
    track()
