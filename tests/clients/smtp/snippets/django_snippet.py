"""The documented settings for Django, as they are printed, and a mail with an attachment."""

import django
from django.conf import settings
from django.core.mail import EmailMultiAlternatives

settings.configure(
    EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
    EMAIL_HOST="smtp.zidimails.com",
    EMAIL_PORT=2525,
    EMAIL_USE_TLS=False,
    EMAIL_HOST_USER="apikey",
    EMAIL_HOST_PASSWORD="zm_live_YOUR_API_KEY",  # noqa: S106
    DEFAULT_FROM_EMAIL="you@yourdomain.com",
)

django.setup()
message = EmailMultiAlternatives(
    "Größe: Hello from ZidiMail SMTP", "Größe\n.\n..\nsent via SMTP.\n", to=["recipient@example.com"]
)
message.attach_alternative("<p>Größe, sent via SMTP relay.</p>", "text/html")
message.attach("Größe.csv", "a;b\n1;ä\n", "text/csv")
assert message.send() == 1
