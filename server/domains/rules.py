"""Names that can be added as a domain, and the DNS records to publish for it (rows Z-30, C-45)."""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, NamedTuple

import idna

from server.faults import ValidationFailed, Violation
from server.net.hosts import is_public_name

CheckStatus = Literal["pending", "verified", "failed", "temporary_failure"]
DomainStatus = Literal["pending", "verified", "failed"]
Algorithm = Literal["rsa", "ed25519"]
RecordPurpose = Literal["SPF", "DKIM", "DMARC", "RETURN_PATH"]
RecordType = Literal["TXT", "MX"]

# A DNS name has at most 253 characters (RFC 1035), the longest label that we prepend included.
MAX_DOMAIN_LENGTH = 253 - len("zm000000r._domainkey.")
_MAX_INPUT_LENGTH = 1000
# A last label that some resolver would read as part of an IPv4 address.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_TTL = "Auto"
# A verified domain may no longer send after this number of wrong answers in a row, over this time (C-53).
FAILED_CHECKS = 3
FAILING_MS = 60 * 60 * 1000
_MX_PREFERENCE = 10
_NO_HOSTNAME = (
    "This platform has no public host name yet, so this value leads nowhere: do not publish it. The operator "
    "sets ZIDIMAIL_HOSTNAME first."
)


@dataclass(frozen=True, slots=True)
class Checks:
    """The results of the last verification, by purpose."""

    spf: CheckStatus = "pending"
    dkim: CheckStatus = "pending"
    dmarc: CheckStatus = "pending"
    return_path: CheckStatus = "pending"


class PublicKey(NamedTuple):
    """The public side of a DKIM key; `data` is the record's `p=` (RFC 6376 section 3.6.1, RFC 8463)."""

    selector: str
    algorithm: Algorithm
    data: str
    status: CheckStatus = "pending"

    @property
    def generation(self) -> str:
        """The common part of the selectors of keys that were made together."""
        return self.selector[:-1]


@dataclass(frozen=True, slots=True)
class Standing:
    """The right of a domain to send, and the run of failed checks of one that is verified.

    `failing_since` is the time of the first check of the run, in milliseconds since 1970 UTC.
    """

    verified: bool
    status: DomainStatus
    failed_checks: int = 0
    failing_since: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A DNS record to publish."""

    purpose: RecordPurpose
    name: str
    type: RecordType
    value: str
    status: CheckStatus
    required: bool
    priority: int | None = None
    ttl: str = _TTL
    # Why the value is of no use yet; empty if it is.
    note: str = ""


def host_name(text: str) -> str:
    """The domain in lower case, an international name as A-labels (IDNA 2008, UTS 46).

    Raises `ValidationFailed` unless it is a host name of two labels or more: for an IP address, `localhost`,
    a wildcard, a label with other characters than letters, digits and hyphens, or a name that is too long.
    """
    name = text.strip()
    if not name or len(name) > _MAX_INPUT_LENGTH or _is_ip(name):
        raise _invalid("must be a host name, such as mail.example.com")
    try:
        name = idna.encode(name, uts46=True, std3_rules=True).decode("ascii").removesuffix(".")
    except UnicodeError:
        raise _invalid("is not a valid host name") from None
    labels = name.split(".")
    if len(labels) < 2 or _NUMBER.fullmatch(labels[-1]) or labels[-1] == "localhost":
        raise _invalid("must be a host name of two labels or more, such as mail.example.com")
    if len(name) > MAX_DOMAIN_LENGTH:
        raise _invalid(f"must have at most {MAX_DOMAIN_LENGTH} characters")
    return name


def spf_name(hostname: str) -> str:
    """The name of the operator's SPF record, which lists the addresses that send."""
    return f"_spf.{hostname}"


def spf_mechanism(hostname: str) -> str:
    """The mechanism that a customer's SPF record contains.

    It includes the operator's record `_spf.<hostname>`, so that the sending addresses can change while the
    customers' records stay.
    """
    return f"include:{spf_name(hostname)}"


def spf_value(hostname: str) -> str:
    """The SPF record to publish (RFC 7208)."""
    return f"v=spf1 {spf_mechanism(hostname)} ~all"


def bounce_host(hostname: str) -> str:
    """The host that receives bounces and complaints."""
    return f"mx.{hostname}"


def return_path_domain(domain: str) -> str:
    """The domain of the envelope sender: a subdomain, so that SPF is aligned with the header From (DMARC)."""
    return f"rp.{domain}"


def dkim_name(selector: str, domain: str) -> str:
    """The name of a DKIM key's record (RFC 6376 section 3.6.2.1)."""
    return f"{selector}._domainkey.{domain}"


def dkim_value(key: PublicKey) -> str:
    """The record of a DKIM key."""
    return f"v=DKIM1; k={key.algorithm}; p={key.data}"


def records(domain: str, hostname: str, keys: Iterable[PublicKey], checks: Checks) -> list[Record]:
    """The records to publish for a domain, each with the result of its last check.

    Those that point to a host below `hostname` have a note if it is no public name (C-61).
    """
    return_path = return_path_domain(domain)
    note = "" if is_public_name(hostname) else _NO_HOSTNAME
    return [
        Record("SPF", domain, "TXT", spf_value(hostname), checks.spf, required=True, note=note),
        *(
            Record("DKIM", dkim_name(key.selector, domain), "TXT", dkim_value(key), key.status, required=True)
            for key in keys
        ),
        Record("DMARC", f"_dmarc.{domain}", "TXT", "v=DMARC1; p=none;", checks.dmarc, required=False),
        Record(
            "RETURN_PATH",
            return_path,
            "MX",
            bounce_host(hostname),
            checks.return_path,
            required=False,
            priority=_MX_PREFERENCE,
            note=note,
        ),
        Record(
            *("RETURN_PATH", return_path, "TXT", spf_value(hostname), checks.return_path),
            required=False,
            note=note,
        ),
    ]


def signing_generation(keys: Sequence[PublicKey]) -> list[PublicKey]:
    """The keys that sign; `keys` are all keys of a domain, the oldest first (contract row F-11).

    They are the newest generation with every key verified; without one, the oldest generation.
    """
    generations = [list(keys) for _, keys in groupby(keys, key=lambda key: key.generation)]
    for generation in reversed(generations):
        if all(key.status == "verified" for key in generation):
            return generation
    return generations[0] if generations else []


def decide(checks: Checks, before: Standing, now_ms: int) -> Standing:
    """The standing of a domain after these checks (contract rows Z-33, C-53).

    SPF and DKIM decide. While DNS does not answer, all stays as it is. A verified domain stays verified until
    `FAILED_CHECKS` checks in a row, over `FAILING_MS` or longer, found wrong records.
    """
    deciding = {checks.spf, checks.dkim}
    if deciding == {"verified"}:
        return Standing(True, "verified")
    if "failed" not in deciding:
        return before
    since = now_ms if before.failing_since is None else before.failing_since
    failed_checks = before.failed_checks + 1
    if not before.verified or (failed_checks >= FAILED_CHECKS and now_ms - since >= FAILING_MS):
        return Standing(False, "failed")
    return Standing(True, before.status, failed_checks, since)


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def _invalid(description: str) -> ValidationFailed:
    return ValidationFailed([Violation("domain", description)])
