"""One secret, three families of signatures (contract rows Z-41, C-8)."""

import hashlib
import hmac
import json
import time

import pytest
import standardwebhooks
import svix.webhooks

from server.webhooks.formats import zidimail
from server.webhooks.signing import new_secret

BODY = '{"type":"email.sent","data":{"subject":"Grüße 🙂"}}'.encode()
EVENT_ID = "0190c3a1f2b4c5d6e7f80912"


def _headers(secret: str, timestamp_s: int | None = None) -> dict[str, str]:
    return zidimail.headers([secret], EVENT_ID, "email.sent", timestamp_s or int(time.time()), BODY)


def test_the_plain_signature_is_keyed_with_the_whole_secret_string() -> None:
    secret = new_secret()
    expected = hmac.new(secret.encode("utf-8"), BODY, hashlib.sha256).hexdigest()
    headers = _headers(secret)
    assert headers["ZidiMail-Signature"] == f"sha256={expected}"
    assert headers["ZidiMail-Event"] == "email.sent"


def test_standard_webhooks_verifies_the_call() -> None:
    secret = new_secret()
    assert standardwebhooks.Webhook(secret).verify(BODY, _headers(secret)) == json.loads(BODY)


def test_svix_verifies_the_call_by_its_own_names() -> None:
    secret = new_secret()
    headers = {name: value for name, value in _headers(secret).items() if name.startswith("svix-")}
    svix.webhooks.Webhook(secret).verify(BODY, headers)
    with pytest.raises(svix.webhooks.WebhookVerificationError):
        svix.webhooks.Webhook(new_secret()).verify(BODY, headers)


@pytest.mark.parametrize("forged", ["webhook-id", "webhook-timestamp"])
def test_the_standard_signature_covers_id_and_time(forged: str) -> None:
    secret = new_secret()
    headers = _headers(secret)
    headers[forged] = str(int(headers["webhook-timestamp"]) - 1) if "time" in forged else "0" * 24
    with pytest.raises(standardwebhooks.WebhookVerificationError, match="No matching signature"):
        standardwebhooks.Webhook(secret).verify(BODY, headers)


def test_another_secret_or_body_does_not_verify() -> None:
    headers = _headers(new_secret())
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(new_secret()).verify(BODY, headers)
    secret = new_secret()
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(secret).verify(BODY + b" ", _headers(secret))


def test_a_repeated_call_keeps_its_id_and_has_its_own_time() -> None:
    secret = new_secret()
    first, second = _headers(secret, 1_800_000_000), _headers(secret, 1_800_000_300)
    assert first["webhook-id"] == second["webhook-id"] == first["svix-id"] == EVENT_ID
    assert (first["webhook-timestamp"], second["webhook-timestamp"]) == ("1800000000", "1800000300")
    assert first["webhook-signature"] != second["webhook-signature"]


def test_during_a_rotation_receivers_of_either_secret_verify_the_call() -> None:
    """F-3: the header holds a signature of each; the plain one, compared as a whole, is of the newest."""
    before, now = new_secret(), new_secret()
    headers = zidimail.headers([now, before], EVENT_ID, "email.sent", int(time.time()), BODY)
    for secret in (before, now):
        standardwebhooks.Webhook(secret).verify(BODY, headers)
        svix.webhooks.Webhook(secret).verify(
            BODY, {name: value for name, value in headers.items() if name.startswith("svix-")}
        )
    assert headers["ZidiMail-Signature"] == _headers(now)["ZidiMail-Signature"]
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(new_secret()).verify(BODY, headers)
