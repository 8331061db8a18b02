"""Captures mail instead of sending it: `DATA_DIR/captured/<email id>.<recipient no>.eml`."""

import asyncio
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from server.delivery.transport import CommitHooks, OutgoingMessage
from server.delivery.verdict import Outcome, Verdict, unreachable

_SITE = "capture"
_CAPTURED = Outcome(Verdict.DELIVERED, 250, "2.0.0", "captured", "capture", simulated=True)


class Capture:
    """Writes a file for each recipient; a repeated delivery overwrites it."""

    has_many_sites = False

    def __init__(self, folder: Path, site_concurrency: int) -> None:
        self._folder = folder
        self.site_concurrency = site_concurrency
        folder.mkdir(parents=True, exist_ok=True)

    def site_of(self, domain: str) -> str:
        """See `Transport`. All mail has one site."""
        return _SITE

    async def deliver(
        self, message: OutgoingMessage, recipients: Mapping[int, str], site: str, hooks: CommitHooks
    ) -> dict[int, Outcome]:
        """See `Transport`. There is no dot, so no hook for it is called."""
        refused = await hooks.before_mail(tuple(recipients))
        left = [no for no in recipients if no not in refused]
        try:
            await asyncio.to_thread(self._write, message, left)
        except OSError as error:
            # The text names the folder, for the operator who must repair it; the delivery is repeated.
            failed = unreachable("4.3.1", f"the message could not be written: {error}")
            return {**dict.fromkeys(left, failed), **refused}
        return {**dict.fromkeys(left, _CAPTURED), **refused}

    async def close(self) -> None:
        """See `Transport`. There is nothing to close."""

    def _write(self, message: OutgoingMessage, numbers: Iterable[int]) -> None:
        for no in numbers:
            name = f"{message.email_id}.{no}.eml"
            temporary = self._folder / f".{name}"
            temporary.write_bytes(message.content)
            # A reader sees the whole message or none.
            os.replace(temporary, self._folder / name)
