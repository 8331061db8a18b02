"""`python -m server bootstrap`: makes an organisation with its owner, an API key and perhaps a domain.

It works on the store directly, while no server runs; run again, it adds another organisation.
"""

import argparse
import asyncio

from server.accounts import store as accounts
from server.accounts.passwords import hash_of, new_password
from server.accounts.rules import PLANS, PROFILES, owner_address
from server.accounts.session_store import add_session
from server.accounts.session_tokens import SessionTokens
from server.db.installation import check_secret
from server.db.migrate import upgrade
from server.db.time import clock_of
from server.db.tx import Tx
from server.db.writer import running_writer
from server.domains import store as domains
from server.domains.keys import new_keys
from server.domains.recording import mark_verified
from server.domains.rules import host_name
from server.faults import ValidationFailed, Violation
from server.ids import new_id
from server.keys import store as api_keys
from server.keys.mint import PREFIXES, mint
from server.sealing import Seal
from server.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument("--email", required=True, help="the owner's address")
    parser.add_argument("--plan", required=True, choices=PLANS)
    parser.add_argument("--profile", default="plan", choices=PROFILES, help="how quotas are counted")
    parser.add_argument("--domain", metavar="NAME", help="a domain to send from")
    parser.add_argument("--verified", action="store_true", help="take the domain as verified, without DNS")
    parser.add_argument("--sandbox", action="store_true", help="let it send to its owner only")
    parser.add_argument("--key-style", default="zm", choices=sorted(PREFIXES), help="how the API key begins")
    parser.add_argument("--json", action="store_true", help="print JSON (there is no other form)")


async def bootstrap(args: argparse.Namespace, settings: Settings) -> dict[str, str | None]:
    """Makes the organisation, all of it or nothing, and returns its ids and credentials.

    Keys: `org_id`, `user_id`, `jwt`, `password`, `key_id`, `api_key`, `domain_id` (None without a domain).
    An owner who has an account already gets the new password. Raises `ValidationFailed`, and
    `DomainOwnedElsewhere` if another organisation has verified the domain.
    """
    email = owner_address(args.email)
    if args.verified and args.domain is None:
        raise ValidationFailed([Violation("verified", "needs a domain: add --domain NAME")])
    domain = None if args.domain is None else host_name(args.domain)
    await asyncio.to_thread(upgrade, settings.database_url)
    clock, seal = await clock_of(settings.database_url), Seal(settings.secret)
    org_id, key, now = new_id(), mint(args.key_style), clock.now_ms()
    password = new_password()
    password_hash = await hash_of(password)
    session_id, tokens = new_id(), SessionTokens(settings.secret, clock)
    domain_id = None if domain is None else new_id()
    dkim_keys = [] if domain_id is None else await new_keys(domain_id, seal)

    def write(tx: Tx) -> tuple[str, str]:
        check_secret(tx, seal)
        accounts.add_organisation(
            tx,
            org_id,
            email,
            owner_email=email,
            plan=args.plan,
            profile=args.profile,
            sandbox=args.sandbox,
            now_ms=now,
        )
        user_id = _user(tx, email.lower(), password_hash, now)
        jwt = tokens.issue(org_id, user_id, session_id)
        accounts.add_member(tx, org_id, user_id, "owner", now)
        add_session(tx, org_id, user_id, session_id, now, tokens.read(jwt).expires_at_ms)
        api_keys.add(tx, org_id, key, "bootstrap", "full", now)
        if domain is not None and domain_id is not None:
            domains.add(tx, org_id, domain_id, domain, dkim_keys, now)
            if args.verified:
                mark_verified(tx, org_id, domain_id, now)
        return user_id, jwt

    async with running_writer(settings.database_url) as writer:
        user_id, jwt = await writer.run(write)
    return {
        "org_id": org_id,
        "user_id": user_id,
        "jwt": jwt,
        "password": password,
        "key_id": key.id,
        "api_key": key.key,
        "domain_id": domain_id,
    }


def _user(tx: Tx, email: str, password_hash: str, now_ms: int) -> str:
    """The id of the user with this address, who has this password from now on."""
    user = accounts.user_of(tx, email)
    if user is not None:
        accounts.set_password(tx, user.id, password_hash)
        return user.id
    user_id = new_id()
    accounts.add_user(tx, user_id, email, password_hash, now_ms)
    return user_id
