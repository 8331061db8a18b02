"""Checks of a domain's DKIM, DMARC and return-path records (contract rows Z-33, C-53).

Each function takes the records that a look-up found: an empty list if the name or the type does not exist.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence

from server.domains.findings import Finding, combined, failed, shortened
from server.domains.rules import CheckStatus, PublicKey, signing_generation

# The preference and the host of each MX record.
MxRecords = Sequence[tuple[int, str]]
# RFC 9989 section 4.10: a longer name is walked from its seventh label on.
_MAX_WALK_LABELS = 7
_POLICIES = {"none", "quarantine", "reject"}


def check_dkim(found: Sequence[str], key: PublicKey, name: str) -> Finding:
    """`verified` if there is one key record (RFC 6376 section 3.6.1), with this key, and it allows mail."""
    if not found:
        return failed(found, f"DNS has no TXT record at {name}.")
    published = [(record, tags) for record in found if "p" in (tags := tags_of(record) or {})]
    if not published:
        return failed(found, f'The TXT record at {name} is no DKIM key: it has no "p=", or is cut or quoted.')
    if len(published) > 1:
        problem = f"There are {len(published)} DKIM keys at {name}, and only one may stand there."
        return failed((record for record, _ in published), problem)
    (record, tags), *_ = published
    problem = _key_problem(tags, key)
    return failed([record], problem) if problem else Finding("verified", shortened([record]))


def check_keys(keys: Sequence[PublicKey]) -> CheckStatus:
    """The DKIM status of a domain, from the keys that sign; the records of newer keys may be missing."""
    return combined(key.status for key in signing_generation(keys))


def check_dmarc(answers: Mapping[str, Sequence[str]], unanswered: Sequence[Finding] = ()) -> Finding:
    """`verified` if a policy exists; `answers` holds the records at each of `dmarc_names` that DNS answered.

    `unanswered` holds the findings of the other names.
    """
    for name, found in answers.items():
        if not _policy_problem(found, name):
            return Finding("verified", shortened(found))
    if unanswered:
        return unanswered[0]
    seen = [(name, found) for name, found in answers.items() if _policies(found)]
    name, found = next(iter(seen or answers.items()))
    return failed(found, _policy_problem(found, name))


def check_mx(found: MxRecords, name: str, host: str) -> Finding:
    """`verified` if `host` is the only best MX host, so that it gets the bounces."""
    shown = [f"{preference} {exchange or '.'}" for preference, exchange in found]
    if not found:
        return failed(shown, f"DNS has no MX record at {name}.")
    best = min(preference for preference, _ in found)
    others = [
        exchange or "." for preference, exchange in found if preference == best and exchange != host.lower()
    ]
    if not others:
        return Finding("verified", shortened(shown))
    # A host that is named with the zone appended: the final dot was missing.
    doubled = next((exchange for exchange in others if exchange.startswith(f"{host.lower()}.")), None)
    if doubled is not None:
        return failed(
            shown, f"The MX host is {doubled}: the zone was appended. Type {host}. with a final dot."
        )
    problem = f"Bounces go to {', '.join(others)}: {host} must be the only host with the lowest preference."
    return failed(shown, problem)


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


def _key_problem(tags: Mapping[str, str], key: PublicKey) -> str:
    """The part of a key record that is wrong; empty if none is."""
    # The version, if there is one, comes first.
    if "v" in tags and (tags["v"] != "DKIM1" or next(iter(tags)) != "v"):
        return 'The key record must begin with "v=DKIM1".'
    if tags.get("k", "rsa") != key.algorithm:
        return f'The record says "k={tags.get("k", "rsa")}", and must say "k={key.algorithm}".'
    if not tags["p"]:
        return 'The key is revoked: "p=" is empty.'
    if _decoded(tags["p"]) != _decoded(key.data):
        return _difference("".join(tags["p"].split()), key.data)
    if "sha256" not in _choices(tags.get("h", "sha256")):
        return f'"h={tags["h"]}" must name sha256, or be left out.'
    if not {"*", "email"} & _choices(tags.get("s", "*")):
        return f'"s={tags["s"]}" must name email, or be left out.'
    return ""


def _difference(published: str, ours: str) -> str:
    if ours.startswith(published):
        return f'"p=" is cut: it has the first {len(published)} of {len(ours)} characters of the key.'
    same = next((n for n, (a, b) in enumerate(zip(published, ours, strict=False)) if a != b), len(ours))
    return f'"p=" is not the key of this domain: it differs from character {same + 1} on.'


def _choices(value: str) -> set[str]:
    return {choice.strip() for choice in value.split(":")}


def _decoded(data: str) -> bytes | None:
    try:
        return base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def _policies(found: Iterable[str]) -> list[dict[str, str]]:
    return [
        tags
        for record in found
        if (tags := tags_of(record)) is not None and next(iter(tags.items())) == ("v", "DMARC1")
    ]


def _policy_problem(found: Sequence[str], name: str) -> str:
    """The reason why there is no DMARC policy among these records; empty if there is one."""
    policies = _policies(found)
    # With several records none counts; a record that only asks for reports means `p=none` (RFC 9989).
    if len(policies) > 1:
        return f"There are {len(policies)} DMARC records at {name}, and only one may stand there."
    if not policies:
        return f'DNS has no DMARC policy at {name}: no TXT record there begins with "v=DMARC1".'
    if policies[0].get("p", "").lower() in _POLICIES or "rua" in policies[0]:
        return ""
    return f'The DMARC record at {name} needs "p=none", "p=quarantine" or "p=reject".'
