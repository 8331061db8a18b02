"""Checks of a domain's DNS records: SPF, DKIM, DMARC and the return path (contract row Z-33).

Each function takes the records that a look-up found: an empty list if the name or the type does not exist,
None if DNS did not answer. It returns `verified`, `failed` or, for None, `temporary_failure`.
"""

import base64
import binascii
from collections.abc import Iterable, Sequence

from server.domains.rules import CheckStatus, PublicKey, signing_generation

Found = Sequence[str] | None
# The preference and the host of each MX record.
MxRecords = Sequence[tuple[int, str]] | None
# RFC 9989 section 4.10: a longer name is walked from its seventh label on.
_MAX_WALK_LABELS = 7
_POLICIES = {"none", "quarantine", "reject"}


def check_spf(found: Found, mechanism: str) -> CheckStatus:
    """`verified` if the only SPF record (RFC 7208 section 4.5) has `mechanism` before any `all`."""
    if found is None:
        return "temporary_failure"
    policies = [record.lower().split() for record in found if record.lower().split(" ")[0] == "v=spf1"]
    if len(policies) != 1:
        return "failed"
    for term in policies[0][1:]:
        if term.removeprefix("+").removesuffix(".") == mechanism.lower():
            return "verified"
        if term.lstrip("+-~?") == "all":
            break
    return "failed"


def check_dkim(found: Found, key: PublicKey) -> CheckStatus:
    """`verified` if there is one key record (RFC 6376 section 3.6.1), with this key, and it allows mail."""
    if found is None:
        return "temporary_failure"
    published = [tags for record in found if (tags := tags_of(record)) is not None and "p" in tags]
    return "verified" if len(published) == 1 and _is_key(published[0], key) else "failed"


def check_keys(keys: Sequence[PublicKey]) -> CheckStatus:
    """The DKIM status of a domain, from the keys that sign; the records of newer keys may be missing."""
    return combined(key.status for key in signing_generation(keys))


def check_dmarc(found: Iterable[Found]) -> CheckStatus:
    """`verified` if a policy exists; `found` holds the records at each of `dmarc_names`."""
    answers = list(found)
    if any(answer is not None and _has_policy(answer) for answer in answers):
        return "verified"
    return "temporary_failure" if None in answers else "failed"


def check_return_path(mx: MxRecords, found: Found, host: str, mechanism: str) -> CheckStatus:
    """`verified` if `host` is the only best MX host, so that it gets the bounces, and SPF has `mechanism`."""
    return combined([_check_mx(mx, host), check_spf(found, mechanism)])


def combined(statuses: Iterable[CheckStatus]) -> CheckStatus:
    """The worst of several statuses: `failed`, then `temporary_failure`; `failed` for none."""
    every = set(statuses)
    if "failed" in every or not every:
        return "failed"
    return "temporary_failure" if "temporary_failure" in every else "verified"


def dmarc_names(domain: str) -> list[str]:
    """The names that may hold the DMARC policy of `domain`: its own, and of each parent with two labels."""
    labels = domain.split(".")
    parents = (labels[-count:] for count in range(min(len(labels) - 1, _MAX_WALK_LABELS), 1, -1))
    return [f"_dmarc.{domain}", *("_dmarc." + ".".join(parent) for parent in parents)]


def tags_of(record: str) -> dict[str, str] | None:
    """The tags of a tag list (RFC 6376 section 3.2), names as written; None if it is not one."""
    tags: dict[str, str] = {}
    for part in record.strip().removesuffix(";").split(";"):
        name, separator, value = part.partition("=")
        if not separator or not name.strip() or name.strip() in tags:
            return None
        tags[name.strip()] = value.strip()
    return tags


def _is_key(tags: dict[str, str], key: PublicKey) -> bool:
    hashes = _choices(tags.get("h", "sha256"))
    services = _choices(tags.get("s", "*"))
    return (
        # The version, if there is one, comes first.
        (tags.get("v", "DKIM1") == "DKIM1" and ("v" not in tags or next(iter(tags)) == "v"))
        and tags.get("k", "rsa") == key.algorithm
        and _decoded(tags["p"]) == _decoded(key.data)
        and "sha256" in hashes
        and bool({"*", "email"} & services)
    )


def _choices(value: str) -> set[str]:
    return {choice.strip() for choice in value.split(":")}


def _decoded(data: str) -> bytes | None:
    try:
        return base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def _has_policy(found: Sequence[str]) -> bool:
    policies = [
        tags
        for record in found
        if (tags := tags_of(record)) is not None and next(iter(tags.items())) == ("v", "DMARC1")
    ]
    # With several records none counts; a record that only asks for reports means `p=none` (RFC 9989).
    return len(policies) == 1 and (policies[0].get("p", "").lower() in _POLICIES or "rua" in policies[0])


def _check_mx(mx: MxRecords, host: str) -> CheckStatus:
    if mx is None:
        return "temporary_failure"
    best = min((preference for preference, _ in mx), default=None)
    hosts = {name.lower() for preference, name in mx if preference == best}
    return "verified" if hosts == {host.lower()} else "failed"
