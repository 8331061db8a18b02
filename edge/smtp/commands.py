"""The grammar of commands: RFC 5321 section 4.1, and the parameters of its extensions. No I/O.

Commands are read more widely than they are defined where programs in use need it: verbs in any case, spaces
around a path, a path without angle brackets (contract section E).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from edge.smtp.replies import refusal

# Characters of a domain, of a local part (RFC 5321 section 4.5.3.1) and of an ENVID (RFC 3461 section 4.4).
DOMAIN_CHARACTERS = 255
LOCAL_CHARACTERS = 64
ENVID_CHARACTERS = 100
ORCPT_CHARACTERS = 500

_VERB = re.compile(r"[A-Za-z]{1,12}(?=$| )")
_LOCAL = r'"(?:[^"\\]|\\.)*"|[^\s<>"@\\,;:()\[\]]+'
_DOMAIN = r"\[[^\s<>\[\]]+\]|[^\s<>\"@\\,;:()\[\]]+"
# A source route is read and forgotten (RFC 5321 section 4.1.1.3).
_PATH = re.compile(rf" *<(?:@[^\s<>:\"]+:)?(?P<local>{_LOCAL})@(?P<domain>{_DOMAIN})>(?= |$)")
_BARE_PATH = re.compile(rf" *(?P<local>{_LOCAL})@(?P<domain>{_DOMAIN})(?= |$)")
_NULL_PATH = re.compile(r" *<>(?= |$)")
_PARAMETER = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9-]*)(?:=(?P<value>[^=\s\x00-\x20\x7f]+))?")
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")
_HOST = re.compile(r"[A-Za-z0-9_.:\[\]-]+")
_PLAIN_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_PLAIN_DOMAIN = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}")


class Command(NamedTuple):
    """A command line: its verb in capitals, and the rest."""

    verb: str
    argument: str


class Address(NamedTuple):
    """A mailbox of the envelope."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def is_plain(self) -> bool:
        """True if nobody disputes that it is an address: only characters that need no quoting."""
        return (
            _PLAIN_LOCAL.fullmatch(self.local) is not None
            and _PLAIN_DOMAIN.fullmatch(self.domain) is not None
        )


class Mail(NamedTuple):
    """The sender, None for the null path `<>`, and the size of the message that MAIL announces, in bytes."""

    sender: Address | None
    size: int | None
    utf8: bool


def command(line: bytes) -> Command:
    """A line without its end. Raises Refusal (500, 501)."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        raise refusal(500, "5.5.2", "The command must be in ASCII, or with SMTPUTF8 in UTF-8.") from None
    verb = _VERB.match(text)
    if verb is None:
        raise refusal(500, "5.5.2", "The line is no command.")
    if any(char < " " or char == "\x7f" for char in text):
        raise refusal(501, "5.5.2", "The command has control characters in it.")
    return Command(verb[0].upper(), text[verb.end() :].strip(" "))


def hello(argument: str) -> str:
    """The name that a client gives itself; what cannot stand in a header is left out. Raises Refusal (501).

    Names in use are often none (an upload's file name, an underscore): they mean nothing here.
    """
    name = argument.partition(" ")[0]
    if not name:
        raise refusal(501, "5.5.4", "EHLO needs the name of your host, such as EHLO app.example.com.")
    return name[:DOMAIN_CHARACTERS] if _HOST.fullmatch(name) else ""


def mail(argument: str) -> Mail:
    """The argument of MAIL. Raises Refusal (501, 553, 555)."""
    path = _after_keyword(argument, "FROM:", "MAIL FROM:<you@example.com>")
    if null := _NULL_PATH.match(path):
        sender, parameters = None, path[null.end() :]
    else:
        sender, parameters = _address(path, "5.1.7")
    found = _parameters(parameters, _MAIL_PARAMETERS)
    utf8 = "SMTPUTF8" in found
    if sender is not None:
        check_ascii(sender, utf8=utf8)
    size = found.get("SIZE")
    return Mail(sender, int(size) if size is not None else None, utf8)


def rcpt(argument: str, *, utf8: bool) -> Address:
    """The argument of RCPT. Raises Refusal (501, 553, 555)."""
    path = _after_keyword(argument, "TO:", "RCPT TO:<name@example.net>")
    recipient, parameters = _address(path, "5.1.3")
    _parameters(parameters, _RCPT_PARAMETERS)
    check_ascii(recipient, utf8=utf8)
    return recipient


def check_ascii(address: Address, *, utf8: bool) -> None:
    """Raises Refusal (553) for an address that needs SMTPUTF8, in a transaction without (RFC 6531)."""
    if not utf8 and not f"{address}".isascii():
        raise refusal(
            553,
            "5.6.7",
            "The address is not in ASCII: give MAIL FROM the parameter SMTPUTF8, or change it.",
        )


def _after_keyword(argument: str, keyword: str, example: str) -> str:
    if argument[: len(keyword)].upper() != keyword:
        raise refusal(501, "5.5.4", f"The command must have the form {example}.")
    return argument[len(keyword) :]


def _address(path: str, status: str) -> tuple[Address, str]:
    """The address at the beginning of `path`, and what follows. Raises Refusal (501, 553)."""
    found = _PATH.match(path) or _BARE_PATH.match(path)
    if found is None:
        raise refusal(553, status, "The address cannot be read: it must have the form <name@example.com>.")
    local, domain = found["local"], found["domain"]
    if len(local.encode()) > LOCAL_CHARACTERS or len(domain.encode()) > DOMAIN_CHARACTERS:
        raise refusal(
            553,
            status,
            f"The address is too long: at most {LOCAL_CHARACTERS} characters before the @, and "
            f"{DOMAIN_CHARACTERS} after it.",
        )
    return Address(local, domain), path[found.end() :]


def _parameters(text: str, known: Mapping[str, Callable[[str | None], bool]]) -> dict[str, str | None]:
    """Parameters by their names in capitals. Raises Refusal (501, 555)."""
    parameters: dict[str, str | None] = {}
    for word in text.split():
        name = word.partition("=")[0].upper()
        if name not in known:
            raise refusal(555, "5.5.4", f"The parameter {name or word} is not known here.")
        found = _PARAMETER.fullmatch(word)
        if found is None or name in parameters or not known[name](found["value"]):
            raise refusal(501, "5.5.4", f"The parameter {name} has a wrong value, or stands twice.")
        parameters[name] = found["value"]
    return parameters


def _size(value: str | None) -> bool:
    return value is not None and re.fullmatch(r"[0-9]{1,20}", value, re.ASCII) is not None


def _body(value: str | None) -> bool:
    return (value or "").upper() in ("7BIT", "8BITMIME")


def _xtext(most: int) -> Callable[[str | None], bool]:
    return lambda value: value is not None and len(value) <= most and _XTEXT.fullmatch(value) is not None


def _notify(value: str | None) -> bool:
    words = (value or "").upper().split(",")
    return words == ["NEVER"] or (
        set(words) <= {"SUCCESS", "FAILURE", "DELAY"} and len(words) == len(set(words))
    )


def _orcpt(value: str | None) -> bool:
    kind, _, address = (value or "").partition(";")
    return bool(kind) and 0 < len(address) <= ORCPT_CHARACTERS


# SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531), RET, ENVID, NOTIFY and ORCPT (RFC 3461: taken, and
# answered by events instead of delivery status notifications), AUTH (RFC 4954 section 5: the key counts).
_MAIL_PARAMETERS: Mapping[str, Callable[[str | None], bool]] = {
    "SIZE": _size,
    "BODY": _body,
    "SMTPUTF8": lambda value: value is None,
    "RET": lambda value: (value or "").upper() in ("FULL", "HDRS"),
    "ENVID": _xtext(ENVID_CHARACTERS),
    "AUTH": lambda value: value == "<>" or _xtext(ORCPT_CHARACTERS)(value),
}
_RCPT_PARAMETERS: Mapping[str, Callable[[str | None], bool]] = {"NOTIFY": _notify, "ORCPT": _orcpt}
