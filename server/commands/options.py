"""Options that several commands share."""

import argparse

from server.settings import SettingsError

# The limits of an organisation or a plan with their columns: recipients a day and a month, unique ones a
# month, emails a second, and what an organisation may own (C-88, Z-48).
LIMITS = {
    "daily": "daily_limit",
    "monthly": "monthly_limit",
    "unique": "unique_limit",
    "burst": "burst_limit",
    "webhooks": "webhook_limit",
    "keys": "key_limit",
    "domains": "domain_limit",
    "scheduled": "scheduled_limit",
    "scheduled-mib": "scheduled_bytes_limit",
    "test": "test_limit",
    "contacts": "contact_limit",
    "import-rows": "contact_import_limit",
    "contact-lists": "contact_list_limit",
}
_MIB = 2**20
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
        column: None if text == unset else whole_number(name, text, instead=unset) * _unit(name)
        for name, column in LIMITS.items()
        if (text := getattr(args, name.replace("-", "_"))) is not None
    }


def _unit(name: str) -> int:
    return _MIB if name.endswith("-mib") else 1
