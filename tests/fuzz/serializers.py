"""Bodies that are no JSON, as schemathesis sends them: loaded by it, not by the tests."""

from typing import Any

import schemathesis


@schemathesis.serializer("message/rfc822", "message/global", "text/csv")
def serialize(_: Any, value: object) -> bytes:
    """The generated text as it comes."""
    return value if isinstance(value, bytes) else str(value).encode()
