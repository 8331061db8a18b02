"""Placeholders such as `{{name}}` in emails to lists, as pure functions (contract row Z-55)."""

import html
import re
from collections.abc import Callable, Mapping

NAMES = ("name", "first_name", "last_name", "email", "unsubscribe_url")
_PLACEHOLDER = re.compile(r"\{\{[ \t]*([^{}]*?)[ \t]*\}\}")


def unknown(text: str) -> list[str]:
    """The names of placeholders that stand for nothing, each once, in order."""
    found = dict.fromkeys(match[1] for match in _PLACEHOLDER.finditer(text))
    return [name for name in found if name not in NAMES]


def filled(text: str, values: Mapping[str, str], *, is_html: bool = False) -> str:
    """The text with the values of its placeholders; in HTML their special characters are escaped.

    A value that looks like a placeholder stays as it is.
    """
    escape: Callable[[str], str] = html.escape if is_html else str
    return _PLACEHOLDER.sub(lambda match: escape(values.get(match[1], match[0])), text)
