"""The signature of an event: over its transmission, the webhook that it is for, and its checksum."""

import base64
import binascii
import re
import zlib
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from server.billing.certificates import Certificates
from server.billing.faults import EventNotValid

_ALGORITHM = "SHA256withRSA"
_PART = re.compile(r"[!-{}~]{1,100}", re.ASCII)  # without the `|` that separates the signed parts


@dataclass(frozen=True, slots=True)
class Transmission:
    """A request of PayPal: the body, and its headers by the names that they have after `PAYPAL-`."""

    body: bytes = field(repr=False)
    transmission_id: str
    transmission_time: str
    transmission_sig: str
    cert_url: str
    auth_algo: str


class Signatures:
    """Verifies that an event is from PayPal and was sent to the webhook with this id."""

    def __init__(self, certificates: Certificates, webhook_id: str) -> None:
        self._certificates = certificates
        self._webhook_id = webhook_id

    async def verify(self, sent: Transmission) -> None:
        """Raises `EventNotValid`, and `ProviderUnavailable` if PayPal's certificate cannot be had now."""
        if sent.auth_algo != _ALGORITHM:
            raise EventNotValid(f"its header PAYPAL-AUTH-ALGO is not {_ALGORITHM}")
        if not (_PART.fullmatch(sent.transmission_id) and _PART.fullmatch(sent.transmission_time)):
            raise EventNotValid("its headers PAYPAL-TRANSMISSION-ID and -TIME are missing or malformed")
        try:
            signature = base64.b64decode(sent.transmission_sig, validate=True)
        except (binascii.Error, ValueError):
            raise EventNotValid("its header PAYPAL-TRANSMISSION-SIG is no base64") from None
        key = await self._certificates.key(sent.cert_url)
        parts = (sent.transmission_id, sent.transmission_time, self._webhook_id, str(zlib.crc32(sent.body)))
        try:
            key.verify(signature, "|".join(parts).encode(), PKCS1v15(), SHA256())
        except InvalidSignature:
            raise EventNotValid("its signature is wrong") from None
