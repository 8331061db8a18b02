"""The macros of SPF records: checked when a record is read, expanded for one client (RFC 7208 section 7)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

_EXPANSION = re.compile(
    r"%(?:(?P<escape>[%_-])|\{(?P<letter>[a-z])(?P<digits>\d*)(?P<reverse>r?)(?P<cut>[.\-+,/_=]*)\})", re.I
)
_LITERAL = re.compile(r"[\x21-\x24\x26-\x7e]+")
_ESCAPED = {"%": "%", "_": " ", "-": "%20"}
# `c`, `r` and `t` are for explanations only (section 7.2), which are not evaluated here.
_LETTERS = frozenset("slodiphv")
_EXPLANATION_LETTERS = frozenset("crt")
# The end of a domain-spec that is no macro: a label with a letter or an inner hyphen (section 7.1).
_TOP_LABEL = re.compile(r"\.(?=[^.]*[a-z-])[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.?\Z", re.I)
_MAX_NAME = 253


@dataclass(frozen=True, slots=True)
class Macro:
    """`%{d2r-}`: the last `labels` parts of a value, reversed if `reverse`, cut at any of `delimiters`."""

    letter: str
    labels: int | None
    reverse: bool
    delimiters: str

    def expand(self, values: Mapping[str, str]) -> str:
        """The text for these values, by lower-case letter."""
        parts = re.split(f"[{re.escape(self.delimiters or '.')}]", values[self.letter.lower()])
        if self.reverse:
            parts.reverse()
        if self.labels is not None:
            parts = parts[-self.labels :]
        text = ".".join(parts)
        return quote(text, safe="-._~") if self.letter.isupper() else text


@dataclass(frozen=True, slots=True)
class Template:
    """A text with macros; `source` is as written."""

    source: str
    parts: tuple[str | Macro, ...]

    @property
    def letters(self) -> set[str]:
        """The lower-case letters of its macros."""
        return {part.letter.lower() for part in self.parts if isinstance(part, Macro)}

    def name(self, values: Mapping[str, str]) -> str:
        """The domain name, without a final dot; labels at its left go while it is too long (section 7.3)."""
        text = "".join(part if isinstance(part, str) else part.expand(values) for part in self.parts)
        text = text.removesuffix(".")
        while len(text) > _MAX_NAME and "." in text:
            text = text.partition(".")[2]
        return text


def macro_string(text: str, *, explanation: bool = False) -> Template:
    """Reads a macro-string (section 7.1). Raises `ValueError` with the reason."""
    parts: list[str | Macro] = []
    letters = _LETTERS | _EXPLANATION_LETTERS if explanation else _LETTERS
    at = 0
    while at < len(text):
        if literal := _LITERAL.match(text, at):
            parts.append(literal[0])
            at = literal.end()
        elif expansion := _EXPANSION.match(text, at):
            parts.append(_part(expansion, letters))
            at = expansion.end()
        else:
            raise ValueError(f"{text[at : at + 10]!r} is not a macro")
    return Template(text, tuple(parts))


def domain_spec(text: str) -> Template:
    """Reads a domain-spec (section 7.1). Raises `ValueError` with the reason."""
    template = macro_string(text)
    if not text:
        raise ValueError("a domain name is missing")
    if not _ends_with_macro(text) and not _TOP_LABEL.search(text):
        raise ValueError(f"{text!r} is not a domain name")
    return template


def _part(found: re.Match[str], letters: Iterable[str]) -> str | Macro:
    if found["escape"]:
        return _ESCAPED[found["escape"]]
    if found["letter"].lower() not in letters:
        raise ValueError(f"the macro {found[0]} is not allowed here")
    labels = int(found["digits"]) if found["digits"] else None
    if labels == 0:
        raise ValueError(f"the macro {found[0]} keeps no label")
    return Macro(found["letter"], labels, bool(found["reverse"]), found["cut"])


def _ends_with_macro(text: str) -> bool:
    return any(found.end() == len(text) for found in _EXPANSION.finditer(text))
