"""Signatures: three families of headers from one secret (contract rows Z-41 and C-8)."""

import base64
import hashlib
import hmac
import secrets

_PREFIX = "whsec_"
_KEY_BYTES = 24


def new_secret() -> str:
    """A signing secret: `whsec_` and 24 random bytes in base64."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def signed_headers(
    secret: str, event_id: str, event_type: str, timestamp_s: int, body: bytes
) -> dict[str, str]:
    """The headers of one call: `body` is exactly what is sent, `timestamp_s` the time of this attempt.

    `ZidiMail-Signature` is keyed with the whole secret string and signs the body alone. The signature of
    Standard Webhooks, repeated under svix's names, is keyed with the secret's decoded bytes and signs id,
    time and body, so that receivers can refuse replays. The id is the event's, the same at every attempt.
    """
    whole = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    content = b"%s.%d.%s" % (event_id.encode(), timestamp_s, body)
    standard = "v1," + base64.b64encode(hmac.digest(key, content, "sha256")).decode()
    headers = {"ZidiMail-Signature": f"sha256={whole}", "ZidiMail-Event": event_type}
    for family in ("webhook", "svix"):
        headers[f"{family}-id"] = event_id
        headers[f"{family}-timestamp"] = str(timestamp_s)
        headers[f"{family}-signature"] = standard
    return headers
