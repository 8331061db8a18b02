"""What an API key may be called."""

import unicodedata

from server.faults import ValidationFailed, Violation

MAX_NAME_LENGTH = 100


def check_name(name: str) -> str:
    """The label of a key without the space around it: 1 to 100 characters (contract row Z-35).

    Raises `ValidationFailed`.
    """
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        raise ValidationFailed([Violation("name", f"must have 1 to {MAX_NAME_LENGTH} characters")])
    if any(unicodedata.category(character) == "Cc" for character in name):
        raise ValidationFailed([Violation("name", "must not contain control characters")])
    return name
