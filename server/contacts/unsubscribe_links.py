"""Links by which the recipients of list mail unsubscribe (RFC 2369, RFC 8058)."""

import base64
import binascii
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from server.accounts.faults import LinkNotValid
from server.sealing import derive_key

_ID_BYTES = 12
# Characters of the longest token: three ids, an address and the seal. Anything longer is no token.
_MAX_TOKEN = 1024


class Subscription(NamedTuple):
    """The recipient of an email to a list, by its address: a contact that comes back has another id."""

    org_id: str
    list_id: str
    send_id: str
    email: str


class UnsubscribeLinks:
    """Seals and opens links with a key of the installation: every server opens what another one sealed.

    A token tells nobody whom it is for, and nobody can make one (AES-SIV, RFC 5297). It does not expire: RFC
    8058 knows no time after which a recipient may no longer unsubscribe.
    """

    def __init__(self, secret: str, app_url: str) -> None:
        """`app_url` is the public address of the installation, whose pages take the links."""
        self._cipher = AESSIV(derive_key(secret, "unsubscribe"))
        self._base = f"{app_url.rstrip('/')}/unsubscribe/"

    def url(self, subscription: Subscription) -> str:
        """The link of a recipient."""
        ids = b"".join(map(bytes.fromhex, subscription[:3]))
        sealed = self._cipher.encrypt(ids + subscription.email.encode(), [])
        return self._base + base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def open(self, token: str) -> Subscription:
        """The recipient that a token stands for. Raises `LinkNotValid`."""
        if len(token) > _MAX_TOKEN:
            raise LinkNotValid
        try:
            sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            plain = self._cipher.decrypt(sealed, [])
        except (binascii.Error, InvalidTag, ValueError):
            raise LinkNotValid from None
        org_id, list_id, send_id = (plain[n * _ID_BYTES : (n + 1) * _ID_BYTES].hex() for n in range(3))
        return Subscription(org_id, list_id, send_id, plain[3 * _ID_BYTES :].decode())
