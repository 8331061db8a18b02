"""The certificate of the relay, read again when its file changes."""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import structlog

_log = structlog.get_logger("edge")


class Certificate:
    """A certificate and its key in PEM files, as a server's TLS context."""

    def __init__(self, certificate: Path, private_key: Path) -> None:
        """Raises ValueError if the files cannot be used."""
        self._files = (certificate, private_key)
        try:
            self._version = self._version_now()
            self._context = self._load()
        except (OSError, ssl.SSLError) as error:
            raise ValueError(f"ZIDIMAIL_TLS_CERT or ZIDIMAIL_TLS_KEY cannot be used: {error}") from None

    def context(self) -> ssl.SSLContext:
        """The context of the files as they are now.

        While they cannot be used, as in the middle of a renewal, the last one that could be serves on.
        """
        try:
            version = self._version_now()
            if version != self._version:
                self._context = self._load()
                self._version = version
                _log.info("the certificate was read again")
        except (OSError, ssl.SSLError) as error:
            _log.warning("the new certificate cannot be used, the last one serves on", error=str(error))
        return self._context

    def _version_now(self) -> tuple[tuple[int, int, int], ...]:
        """Equal while the files are the same. Raises OSError."""
        states = [os.stat(file) for file in self._files]
        return tuple((state.st_ino, state.st_mtime_ns, state.st_size) for state in states)

    def _load(self) -> ssl.SSLContext:
        certificate, private_key = self._files
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(certificate, private_key)
        return context
