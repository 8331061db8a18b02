"""Whether what DNS shows is what was to be published.

Every function takes the records that were found, none if the name or the type does not exist, or None when
nobody could say; and answers `verified`, `failed` or, for None, `temporary_failure`.
"""

import base64
import binascii
from collections.abc import Iterable, Sequence

from server.domains.rules import CheckStatus, PublicKey, signing_generation

Found = Sequence[str] | None
Exchanges = Sequence[tuple[int, str]] | None
# RFC 9989 section 4.10: a longer name is walked from its seventh label on.
_MAX_WALK_LABELS = 7
_POLICIES = {"none", "quarantine", "reject"}


def judge_spf(found: Found, mechanism: str) -> CheckStatus:
    """Whether the one SPF record (RFC 7208 section 4.5) has our mechanism, before any `all`."""
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


def judge_dkim(found: Found, key: PublicKey) -> CheckStatus:
    """Whether the one key record (RFC 6376 section 3.6.1) holds this key and lets it sign mail."""
    if found is None:
        return "temporary_failure"
    published = [tags for record in found if (tags := tags_of(record)) is not None and "p" in tags]
    return "verified" if len(published) == 1 and _is_key(published[0], key) else "failed"


def judge_keys(keys: Sequence[PublicKey]) -> CheckStatus:
    """What the checks of a domain's keys amount to: those that sign count, newer ones may be missing."""
    return joined(key.status for key in signing_generation(keys))


def judge_dmarc(found: Iterable[Found]) -> CheckStatus:
    """Whether the domain, or a domain above it, has a DMARC policy."""
    answers = list(found)
    if any(answer is not None and _has_policy(answer) for answer in answers):
        return "verified"
    return "temporary_failure" if None in answers else "failed"


def judge_return_path(exchanges: Exchanges, found: Found, host: str, mechanism: str) -> CheckStatus:
    """Whether bounces come to our host, and it may send with the return path as its envelope."""
    return joined([_judge_exchanges(exchanges, host), judge_spf(found, mechanism)])


def joined(statuses: Iterable[CheckStatus]) -> CheckStatus:
    """What several checks amount to: the worst that is known."""
    every = set(statuses)
    if "failed" in every or not every:
        return "failed"
    return "temporary_failure" if "temporary_failure" in every else "verified"


def dmarc_names(domain: str) -> list[str]:
    """Where a DMARC policy for `domain` may stand: at it, and at each parent of two labels or more."""
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


def _judge_exchanges(exchanges: Exchanges, host: str) -> CheckStatus:
    if exchanges is None:
        return "temporary_failure"
    best = min((preference for preference, _ in exchanges), default=None)
    hosts = {exchange.lower() for preference, exchange in exchanges if preference == best}
    return "verified" if hosts == {host.lower()} else "failed"
