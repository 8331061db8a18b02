"""Signing secrets (contract rows Z-41, C-8)."""

import base64

from server.webhooks.signing import key_bytes, new_secret


def test_a_secret_is_whsec_and_24_random_bytes() -> None:
    secret = new_secret()
    assert secret.startswith("whsec_")
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    assert len(key) == 24
    assert key_bytes(secret) == key
    assert new_secret() != secret
