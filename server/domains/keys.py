"""DKIM keys: an RSA and an Ed25519 key for each domain, stored sealed (row F-11, RFC 8301, RFC 8463)."""

import asyncio
import base64
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from server.domains.rules import Algorithm
from server.sealing import Seal

_RSA_BITS = 2048
_RSA_EXPONENT = 65537
_SELECTOR_BYTES = 3
# One thread: making RSA keys takes much CPU time, which delivery needs.
_maker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dkim")


@dataclass(frozen=True, slots=True)
class NewKey:
    """A new DKIM key: `private_key` is sealed, `public_key` is the record's `p=`."""

    selector: str
    algorithm: Algorithm
    private_key: bytes = field(repr=False)
    public_key: str


async def new_keys(domain_id: str, seal: Seal) -> list[NewKey]:
    """An RSA-2048 and an Ed25519 key under new selectors, so that older keys can stay published."""
    return await asyncio.get_running_loop().run_in_executor(_maker, _make, domain_id, seal)


def private_key(seal: Seal, domain_id: str, selector: str, sealed: bytes) -> bytes:
    """A private key as PKCS #8 PEM. Raises what `Seal.open` does."""
    return seal.open(sealed, _context(domain_id, selector))


def _make(domain_id: str, seal: Seal) -> list[NewKey]:
    generation = f"zm{secrets.token_hex(_SELECTOR_BYTES)}"
    rsa_key = rsa.generate_private_key(_RSA_EXPONENT, _RSA_BITS)
    ed25519_key = ed25519.Ed25519PrivateKey.generate()
    rsa_public = rsa_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ed25519_public = ed25519_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return [
        _sealed(domain_id, f"{generation}r", "rsa", rsa_key, rsa_public, seal),
        _sealed(domain_id, f"{generation}e", "ed25519", ed25519_key, ed25519_public, seal),
    ]


def _sealed(
    domain_id: str,
    selector: str,
    algorithm: Algorithm,
    key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey,
    public_key: bytes,
    seal: Seal,
) -> NewKey:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    sealed = seal.seal(pem, _context(domain_id, selector))
    return NewKey(selector, algorithm, sealed, base64.b64encode(public_key).decode())


def _context(domain_id: str, selector: str) -> str:
    return f"dkim:{domain_id}:{selector}"
