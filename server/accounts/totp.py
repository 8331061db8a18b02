"""Codes of authenticator apps (TOTP, RFC 6238), and the recovery codes that stand for them."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

import pyotp

# The app on the person's phone adds the name of the service to the account.
_ISSUER = "ZidiMail"
_STEP_MS = 30_000
# Clocks may differ by a step, and a code takes time to be typed (RFC 6238, section 5.2).
_STEPS_APART = 1
_RECOVERY_CODES = 10
_RECOVERY_BYTES = 10


def new_secret() -> str:
    """A secret of 160 bits in base32 (RFC 4226, section 4)."""
    return pyotp.random_base32()


def uri(secret: str, email: str) -> str:
    """The `otpauth://` URI of a secret, which apps read as a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=_ISSUER)


def step_of(secret: str, code: str, now_ms: int, last_step: int | None) -> int | None:
    """The step of 30 seconds that a code belongs to; None for a wrong code.

    Steps up to `last_step` are past: a code works once.
    """
    totp, present = pyotp.TOTP(secret), now_ms // _STEP_MS
    given = code.replace(" ", "").encode()
    found = None
    for step in range(present - _STEPS_APART, present + _STEPS_APART + 1):
        is_right = hmac.compare_digest(totp.generate_otp(step).encode(), given)
        if is_right and (last_step is None or step > last_step):
            found = step
    return found


def new_recovery_codes() -> Sequence[str]:
    """Ten codes of 80 random bits, in four groups to be written down."""
    return [_recovery_code() for _ in range(_RECOVERY_CODES)]


def recovery_hash(code: str) -> str:
    """The stored form of a recovery code, which may be typed in capitals, with spaces or without hyphens."""
    plain = code.lower().replace("-", "").replace(" ", "")
    return hashlib.sha256(plain.encode()).hexdigest()


def _recovery_code() -> str:
    text = base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))
