"""DKIM keys are made in two kinds, and kept sealed (contract row F-11)."""

import base64

import dkim
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from server.domains.keys import NewKey, new_keys, private_key
from server.domains.rules import PublicKey, dkim_value
from server.sealing import Seal

DOMAIN_ID = "0" * 24
SEAL = Seal("a secret of the tests")


def _record(key: NewKey) -> bytes:
    return dkim_value(PublicKey(key.selector, key.algorithm, key.public_key)).encode()


async def test_an_independent_verifier_reads_the_records() -> None:
    rsa_key, ed25519_key = await new_keys(DOMAIN_ID, SEAL)
    _, bits, kind, _ = dkim.load_pk_from_dns(b"x", lambda name, timeout=5: _record(rsa_key))
    assert (bits, kind) == (2048, b"rsa")
    _, bits, kind, _ = dkim.load_pk_from_dns(b"x", lambda name, timeout=5: _record(ed25519_key))
    assert (bits, kind) == (256, b"ed25519")


async def test_a_message_signed_with_the_keys_verifies_by_the_records() -> None:
    message = b"From: a@example.com\r\nTo: b@example.net\r\nSubject: x\r\n\r\nbody\r\n"
    rsa_key, ed25519_key = await new_keys(DOMAIN_ID, SEAL)
    pem = private_key(SEAL, DOMAIN_ID, rsa_key.selector, rsa_key.private_key)
    signed = dkim.sign(message, rsa_key.selector.encode(), b"example.com", pem)
    assert dkim.verify(signed + message, dnsfunc=lambda name, timeout=5: _record(rsa_key))
    assert not dkim.verify(signed + message + b"x", dnsfunc=lambda name, timeout=5: _record(rsa_key))

    loaded = load_pem_private_key(
        private_key(SEAL, DOMAIN_ID, ed25519_key.selector, ed25519_key.private_key), None
    )
    assert isinstance(loaded, ed25519.Ed25519PrivateKey)
    published = base64.b64decode(_record(ed25519_key).rpartition(b"p=")[2])
    ed25519.Ed25519PublicKey.from_public_bytes(published).verify(loaded.sign(b"text"), b"text")


async def test_every_generation_has_selectors_of_its_own() -> None:
    first, second = await new_keys(DOMAIN_ID, SEAL), await new_keys(DOMAIN_ID, SEAL)
    selectors = {key.selector for key in (*first, *second)}
    assert len(selectors) == 4
    assert all(selector.isalnum() and selector.islower() for selector in selectors)
    assert [key.algorithm for key in first] == ["rsa", "ed25519"]


async def test_a_private_key_is_sealed_to_its_domain_and_selector() -> None:
    key, other = await new_keys(DOMAIN_ID, SEAL)
    assert b"PRIVATE KEY" not in key.private_key
    assert isinstance(
        load_pem_private_key(private_key(SEAL, DOMAIN_ID, key.selector, key.private_key), None),
        rsa.RSAPrivateKey,
    )
    for seal, domain_id, selector in [
        (SEAL, "1" * 24, key.selector),
        (SEAL, DOMAIN_ID, other.selector),
        (Seal("another secret"), DOMAIN_ID, key.selector),
    ]:
        with pytest.raises(InvalidTag):
            private_key(seal, domain_id, selector, key.private_key)


async def test_a_private_key_does_not_show_when_printed() -> None:
    key, _ = await new_keys(DOMAIN_ID, SEAL)
    assert "private_key" not in repr(key)
