"""Secrets at rest (contract row C-89): nobody reads them without the installation's secret, or moves them."""

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from server.sealing import Seal, derive_key

PLAIN, CONTEXT = b"whsec_abc", "webhook:1"


def test_sealed_value_opens_for_its_secret_and_its_context_only() -> None:
    sealed = Seal("a").seal(PLAIN, CONTEXT)
    assert Seal("a").open(sealed, CONTEXT) == PLAIN
    for secret, context in (("b", CONTEXT), ("a", "webhook:2"), ("a", "")):
        with pytest.raises(InvalidTag):
            Seal(secret).open(sealed, context)


def test_each_sealing_has_a_nonce_of_its_own() -> None:
    """NIST SP 800-38D section 8: two values under one nonce give each other away."""
    sealed = [Seal("a").seal(PLAIN, CONTEXT) for _ in range(100)]
    assert len({value[1:13] for value in sealed}) == len(sealed)
    assert len({value[13:] for value in sealed}) == len(sealed)


def test_sealed_value_is_one_of_aes_256_gcm() -> None:
    """A version byte, the nonce, the ciphertext with its tag: as another program would open it."""
    sealed = Seal("a").seal(PLAIN, CONTEXT)
    assert (sealed[:1], len(sealed)) == (b"\x01", 1 + 12 + len(PLAIN) + 16)
    cipher = AESGCM(derive_key("a", "seal"))
    assert cipher.decrypt(sealed[1:13], sealed[13:], CONTEXT.encode()) == PLAIN


@pytest.mark.parametrize("place", [1, 12, 13, -1])
def test_changed_byte_is_noticed(place: int) -> None:
    sealed = bytearray(Seal("a").seal(PLAIN, CONTEXT))
    sealed[place] ^= 1
    with pytest.raises(InvalidTag):
        Seal("a").open(bytes(sealed), CONTEXT)


@pytest.mark.parametrize("value", [b"", b"\x00", b"\x02" + bytes(40), PLAIN])
def test_other_values_are_refused(value: bytes) -> None:
    with pytest.raises(ValueError, match="known version"):
        Seal("a").open(value, CONTEXT)


def test_keys_for_different_purposes_and_secrets_differ() -> None:
    keys = {derive_key(secret, purpose) for secret in ("a", "b") for purpose in ("seal", "session")}
    assert {len(key) for key in keys} == {32}
    assert len(keys) == 4
