"""Posts one call: opens the secrets of its webhook, signs the body in its format, and sends it."""

from collections.abc import Mapping
from functools import partial

import structlog
from cryptography.exceptions import InvalidTag

from server.net.http import GuardedClient, NoResponse, Response
from server.sealing import Seal
from server.webhooks import store
from server.webhooks.formats.format import Format
from server.webhooks.queue import Claimed
from server.webhooks.receivers import Receivers
from server.webhooks.settling import SEALED, UNKNOWN_FORMAT
from server.webhooks.store import Endpoint

_log = structlog.get_logger()


class Poster:
    """Posts calls through `client`, in the `formats` by their names."""

    def __init__(
        self, client: GuardedClient, seal: Seal, formats: Mapping[str, Format], receivers: Receivers
    ) -> None:
        self._client = client
        self._receivers = receivers
        self._seal = seal
        self._formats = formats

    async def post(
        self, call: Claimed, receiver: Endpoint, timestamp_s: int
    ) -> tuple[Response | None, NoResponse | None]:
        """The receiver's response, or the reason for which there is none.

        Raises `Superseded`, `Unavailable`: then no byte of the call was sent.
        """
        format = self._formats.get(receiver.format)
        if format is None:
            _log.error(
                "a webhook is not called, because its format is unknown",
                org_id=receiver.org_id,
                webhook_id=receiver.id,
                format=receiver.format,
            )
            return None, NoResponse(UNKNOWN_FORMAT, "the format of the webhook is unknown to this server")
        try:
            secrets = [self._opened(receiver, sealed) for sealed in _secrets(receiver, timestamp_s * 1000)]
        except (InvalidTag, ValueError):
            return None, NoResponse(SEALED, "the secret was sealed under another ZIDIMAIL_SECRET")
        headers = format.headers(secrets, call.key.event_id, call.type, timestamp_s, call.body)
        headers["Content-Type"] = "application/json"
        begin = partial(self._receivers.confirm, receiver)
        try:
            return await self._client.post(receiver.url, call.body, headers, begin), None
        except NoResponse as failure:
            return None, failure

    def _opened(self, receiver: Endpoint, sealed: bytes) -> str:
        return self._seal.open(sealed, store.seal_context(receiver.id)).decode()


def _secrets(receiver: Endpoint, now_ms: int) -> list[bytes]:
    """The sealed secrets that are valid now, the newest first."""
    until = receiver.secret_before_until
    if receiver.secret_before is None or until is None or until <= now_ms:
        return [receiver.secret]
    return [receiver.secret, receiver.secret_before]
