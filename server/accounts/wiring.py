"""Builds the package."""

from collections.abc import Mapping
from dataclasses import dataclass

from zidimail.v1.access_service_pb2 import DESCRIPTOR

from server.accounts.authentication import TokenAuthenticator
from server.accounts.banned import Banned
from server.accounts.rpc import AccessServicer
from server.accounts.session_tokens import SessionTokens
from server.accounts.sessions import Sessions
from server.kernel import Kernel, Package
from server.keys.authenticate import ApiKeyAuthenticator
from server.wire.access import AccessRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts(Package):
    """Organisations and sessions; `authenticator` recognises every credential."""

    authenticator: TokenAuthenticator


def build(kernel: Kernel, keys: ApiKeyAuthenticator, rules: Mapping[str, AccessRule]) -> Accounts:
    """Recognises callers, and tells them who they are. `rules` are those of every method."""
    tokens = SessionTokens(kernel.settings.secret, kernel.clock)
    sessions = Sessions(tokens, kernel.database, kernel.clock)
    banned = Banned(kernel.database, kernel.clock, kernel.settings.support_url)
    return Accounts(
        servicers={DESCRIPTOR.services_by_name["AccessService"]: AccessServicer(rules, kernel.database)},
        authenticator=TokenAuthenticator(keys, sessions, banned),
    )
