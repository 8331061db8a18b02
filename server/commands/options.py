"""Options that several commands share."""

import argparse

from server.settings import SettingsError

# A limit of an organisation or a plan: recipients a day and a month, unique ones a month, emails a second,
# contacts, rows of an import, lists of contacts.
LIMITS = ("daily", "monthly", "unique", "burst", "contact", "contact-import", "contact-list")
# The largest number that the store's columns and the wire hold.
_MAX_NUMBER = 2**31 - 1


def whole_number(name: str, text: str, *, instead: str | None = None, most: int = _MAX_NUMBER) -> int:
    """The number of the option `--name`; `instead` is a word that is allowed too. Raises `SettingsError`."""
    # Longer ones are not even read: Python limits the digits of a number.
    if text.isascii() and text.isdigit() and len(text) <= len(str(most)) and int(text) <= most:
        return int(text)
    word = "" if instead is None else f" or `{instead}`"
    raise SettingsError(f"--{name} must be a whole number up to {most}{word}, not {text!r}.")


def limits_of(args: argparse.Namespace, *, unset: str) -> dict[str, int | None]:
    """The columns of the limits that were given; the word `unset` stands for null. Raises `SettingsError`."""
    return {
        f"{column}_limit": None if text == unset else whole_number(name, text, instead=unset)
        for name, column in ((name, name.replace("-", "_")) for name in LIMITS)
        if (text := getattr(args, column)) is not None
    }
