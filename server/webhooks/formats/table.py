"""The formats by the names that `webhooks.format` holds."""

from collections.abc import Mapping

from server.webhooks.formats import zidimail
from server.webhooks.formats.format import Format

FORMATS: Mapping[str, Format] = {"zidimail": zidimail}
