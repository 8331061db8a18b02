"""A mail with an attachment by Django, whose settings are in a file."""

import runpy
import sys

import django
from django.conf import settings
from django.core.mail import EmailMultiAlternatives

printed = runpy.run_path(sys.argv[1])
settings.configure(**{name: value for name, value in printed.items() if name.isupper()})
django.setup()
message = EmailMultiAlternatives(
    "Größe: Hello from ZidiMail SMTP", "Größe\n.\n..\nsent via SMTP.\n", to=["recipient@example.com"]
)
message.attach_alternative("<p>Größe, sent via SMTP relay.</p>", "text/html")
message.attach("Größe.csv", "a;b\n1;ä\n", "text/csv")
assert message.send() == 1
