"""Signatures: three families of headers from one secret (contract rows Z-41 and C-8)."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from secrets import token_bytes

_PREFIX = "whsec_"
_KEY_BYTES = 24


def new_secret() -> str:
    """A signing secret: `whsec_` and 24 random bytes in base64."""
    return _PREFIX + base64.b64encode(token_bytes(_KEY_BYTES)).decode()


def signed_headers(
    secrets: Sequence[str], event_id: str, event_type: str, timestamp_s: int, body: bytes
) -> dict[str, str]:
    """The headers of one call: `body` is exactly what is sent, `timestamp_s` the time of this attempt.

    `secrets` are the valid ones, the newest first. A header of Standard Webhooks holds a signature by each;
    receivers of `ZidiMail-Signature` compare the whole header, so it is made with the newest secret alone.

    `ZidiMail-Signature` is keyed with the whole secret string and signs the body alone. The signature of
    Standard Webhooks, repeated under svix's names, is keyed with the secret's decoded bytes and signs id,
    time and body, so that receivers can refuse replays. The id is the event's, the same at every attempt.
    """
    whole = hmac.new(secrets[0].encode(), body, hashlib.sha256).hexdigest()
    content = b"%s.%d.%s" % (event_id.encode(), timestamp_s, body)
    standard = " ".join(_standard(secret, content) for secret in secrets)
    headers = {"ZidiMail-Signature": f"sha256={whole}", "ZidiMail-Event": event_type}
    for family in ("webhook", "svix"):
        headers[f"{family}-id"] = event_id
        headers[f"{family}-timestamp"] = str(timestamp_s)
        headers[f"{family}-signature"] = standard
    return headers


def _standard(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, content, "sha256")).decode()
