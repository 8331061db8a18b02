"""Cursors of the log as callers see them (contract row C-92): sealed places, each for one organisation.

A place tells when others wrote, and a caller who made up places would skip events: both are kept from
callers.
"""

import base64
import binascii
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from server.events.rows import BEGINNING, Place
from server.sealing import derive_key

_PLACE = struct.Struct(">QQ")


class Cursors:
    """Seals places with a key of the installation: every server of it opens what another one sealed.

    One place always has the same cursor (AES-SIV, RFC 5297), in lists and in streams.
    """

    def __init__(self, secret: str) -> None:
        self._cipher = AESSIV(derive_key(secret, "cursor"))

    def cursor(self, org_id: str, place: Place) -> str:
        """The cursor of a place for one organisation: 43 characters that may stand in a URL."""
        sealed = self._cipher.encrypt(_PLACE.pack(*place), [org_id.encode()])
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def place(self, org_id: str, cursor: str) -> Place:
        """The place of a cursor; an empty cursor is the beginning.

        Raises ValueError for one that was changed, belongs to another organisation or another installation.
        """
        if not cursor:
            return BEGINNING
        try:
            sealed = base64.b64decode(cursor + "=", altchars=b"-_", validate=True)
            place = Place(*_PLACE.unpack(self._cipher.decrypt(sealed, [org_id.encode()])))
        except (binascii.Error, InvalidTag, ValueError, struct.error):
            raise ValueError("no cursor of this organisation") from None
        # Two texts of base64 can stand for the same bytes.
        if self.cursor(org_id, place) != cursor:
            raise ValueError("no cursor of this organisation")
        return place
