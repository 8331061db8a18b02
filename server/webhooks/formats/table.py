"""The formats by the names that `webhooks.format` holds."""

from collections.abc import Mapping

from server.webhooks.formats import zidimail, zsend
from server.webhooks.formats.format import Format

DEFAULT = "zidimail"
FORMATS: Mapping[str, Format] = {DEFAULT: zidimail, "zsend": zsend}
