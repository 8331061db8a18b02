"""Signs messages with every signing key of their domain (DKIM: RFC 6376, RFC 8301, RFC 8463).

An RSA signature takes about 0.2 ms and releases the GIL, so `sign` is to be called in a thread.
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import load_pem_private_key

# The validity of a signature in seconds; it limits the time for replaying a captured message.
VALIDITY_S = 7 * 86_400
# The time after the last attempt for which receivers can check a signature: a relay may hold the message.
_AFTER_LIFETIME_S = 3 * 86_400
# The bytes of a body that are brought into canonical form at a time.
_CHUNK = 262_144
_B64_LINE = 72

# Fields that are signed where present, in this order. RFC 8058 section 4 demands the List-Unsubscribe pair.
_SIGNED = (
    "from",
    "sender",
    "reply-to",
    "subject",
    "date",
    "message-id",
    "to",
    "cc",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "in-reply-to",
    "references",
    "list-id",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "feedback-id",
)
# Signed once more than they occur, so that no further field can be added (RFC 6376 section 8.15).
_OVERSIGNED = frozenset(("from", "to", "cc", "subject", "date", "reply-to", "message-id", "content-type"))
_SHA256 = Prehashed(hashes.SHA256())


class UnusableKey(ValueError):
    """A key that cannot sign: broken, or of another algorithm than its row says."""


@dataclass(frozen=True, slots=True)
class Validity:
    """The validity of signatures of mail that is tried for `lifetime_s` seconds, as of the time `now_s`."""

    lifetime_s: int
    now_s: int

    def end(self, signed_at_s: int) -> int:
        """The time at which a signature ends, in seconds since 1970 UTC.

        It is the same for all attempts within the lifetime. Mail that is sent after it, as nothing was sent
        for days, gets a later end.
        """
        usual = signed_at_s + max(VALIDITY_S, self.lifetime_s + _AFTER_LIFETIME_S)
        late = self.now_s > signed_at_s + self.lifetime_s
        return max(usual, self.now_s + _AFTER_LIFETIME_S) if late else usual


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A loaded private key; its public key is published at `selector`._domainkey.`domain`."""

    domain: str
    selector: str
    private: RSAPrivateKey | Ed25519PrivateKey

    @classmethod
    def load(cls, domain: str, selector: str, pem: bytes) -> "SigningKey":
        """Loads a private key; RSA keys are not validated, as that takes 37 ms. Raises `UnusableKey`."""
        try:
            private = load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
        except (ValueError, TypeError) as error:
            raise UnusableKey(f"the key {selector} of {domain} cannot be read") from error
        if not isinstance(private, RSAPrivateKey | Ed25519PrivateKey):
            raise UnusableKey(f"the key {selector} of {domain} is neither RSA nor Ed25519")
        return cls(domain, selector, private)

    @property
    def algorithm(self) -> str:
        """The value of the tag `a`."""
        return "rsa-sha256" if isinstance(self.private, RSAPrivateKey) else "ed25519-sha256"

    def sign(self, digest: bytes) -> bytes:
        """The signature of a SHA-256 digest; Ed25519 signs the digest itself (RFC 8463 section 3)."""
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(digest, PKCS1v15(), _SHA256)
        return self.private.sign(digest)


def sign(
    head: Sequence[bytes],
    body: bytes,
    keys: Sequence[SigningKey],
    signed_at_s: int,
    valid_until_s: int | None = None,
) -> list[bytes]:
    """The DKIM-Signature lines of a message, one for each key, to be prepended to its header.

    `head` holds header lines, folded or not, each with its CRLF; `signed_at_s` and `valid_until_s`, by
    default 7 days later, are seconds since 1970 UTC.
    """
    if not keys:
        return []
    body_hash = base64.b64encode(_body_digest(body)).decode()
    names, header = _signed_header(head)
    end_s = signed_at_s + VALIDITY_S if valid_until_s is None else valid_until_s
    tags = f"t={signed_at_s}; x={end_s};\r\n h={_folded_names(names)};\r\n bh={body_hash}"
    return [_signature(key, tags, header) for key in keys]


def _body_digest(body: bytes) -> bytes:
    """SHA-256 of a body in relaxed form, which survives relays that strip blanks (RFC 6376 section 3.4.4).

    The lines end in CRLF.
    """
    digest = hashlib.sha256()
    is_empty, ended = True, b""
    for chunk in _chunks(body):
        canonical = _single_spaced(chunk).replace(b" \r\n", b"\r\n")
        text = canonical.rstrip(b"\r\n")
        # Empty lines at the end of the body do not count; those of a chunk do if text follows.
        if text:
            digest.update(ended)
            digest.update(text)
            is_empty, ended = False, canonical[len(text) :]
        else:
            ended += canonical
    if not is_empty:
        digest.update(b"\r\n")
    return digest.digest()


def _chunks(body: bytes) -> Iterator[bytes]:
    """The body in pieces of whole lines."""
    start = 0
    while len(body) - start > _CHUNK:
        end = body.find(b"\n", start + _CHUNK) + 1 or len(body)
        yield body[start:end]
        start = end
    yield body[start:] if start else body


def canonical_header(line: bytes) -> tuple[str, bytes]:
    """The name of a header line in lower case, and the line in relaxed form (RFC 6376 section 3.4.2)."""
    name, _, value = line.partition(b":")
    name = name.rstrip(b" \t").lower()
    if b"\r\n" in value:
        value = value.replace(b"\r\n", b"")
    value = _single_spaced(value)
    return name.decode("ascii", "replace"), name + b":" + value.strip(b" ") + b"\r\n"


def _single_spaced(text: bytes) -> bytes:
    """The text with each run of spaces and tabs as one space; a few passes in C for runs of any length."""
    text = text.replace(b"\t", b" ")
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    return text


def _signed_header(head: Sequence[bytes]) -> tuple[str, bytes]:
    """The value of the tag `h`, and the header fields to hash; of equal fields, the last one comes first."""
    present: dict[str, list[bytes]] = {}
    for line in head:
        name, canonical = canonical_header(line)
        present.setdefault(name, []).append(canonical)
    names: list[str] = []
    hashed: list[bytes] = []
    for name in _SIGNED:
        lines = present.get(name, ())
        names += [name] * (len(lines) + (name in _OVERSIGNED))
        hashed += reversed(lines)
    return ":".join(names), b"".join(hashed)


def _signature(key: SigningKey, tags: str, header: bytes) -> bytes:
    line = (
        f"DKIM-Signature: v=1; a={key.algorithm}; c=relaxed/relaxed;\r\n"
        f" d={key.domain}; s={key.selector};\r\n {tags};\r\n b="
    ).encode()
    # The signature's own field comes last, without its line end (RFC 6376 section 3.7).
    digest = hashlib.sha256(header + canonical_header(line)[1][:-2]).digest()
    encoded = base64.b64encode(key.sign(digest)).decode()
    return line + "\r\n ".join(_pieces(encoded)).encode() + b"\r\n"


def _folded_names(names: str) -> str:
    """The list of names, folded after colons."""
    lines = [""]
    for name in names.split(":"):
        if len(lines[-1]) + len(name) > _B64_LINE:
            lines.append("")
        lines[-1] += name + ":"
    return "\r\n  ".join(lines).removesuffix(":")


def _pieces(encoded: str) -> Iterator[str]:
    for start in range(0, len(encoded), _B64_LINE):
        yield encoded[start : start + _B64_LINE]
