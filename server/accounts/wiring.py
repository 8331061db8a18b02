"""Builds the package."""

from collections.abc import Mapping
from dataclasses import dataclass

from zidimail.v1 import access_service_pb2, account_service_pb2

from server.accounts import attempts, invitation_store, oidc_store, request_store, session_store
from server.accounts.audit import Audit
from server.accounts.authentication import TokenAuthenticator
from server.accounts.banned import Banned
from server.accounts.closing import Closing
from server.accounts.identities import Identities
from server.accounts.invitations import Invitations
from server.accounts.letters import Letters
from server.accounts.mailing import Mailer, RequestMailing
from server.accounts.member_rpc import MemberServicer
from server.accounts.members import Members
from server.accounts.oidc import OidcLogin
from server.accounts.oidc_provider import Client, Provider
from server.accounts.oidc_rpc import OidcServicer
from server.accounts.operators import OperatorTokens
from server.accounts.passwords import Passwords
from server.accounts.registration import Registration
from server.accounts.rpc import AccessServicer
from server.accounts.rules import PLANS
from server.accounts.second_factor import SecondFactor
from server.accounts.session_tokens import SessionTokens
from server.accounts.sessions import Sessions
from server.accounts.sign_in import SignIn
from server.accounts.sign_in_rpc import SignInServicer
from server.db.tx import Tx
from server.kernel import Kernel, Package
from server.keys.authenticate import ApiKeyAuthenticator
from server.settings import Settings
from server.wire.access import AccessRule
from server.work.notifier import Notifier
from server.work.sweeper import Sweeper


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts(Package):
    """Organisations and sessions; `authenticator` recognises every credential, `audit` records changes."""

    authenticator: TokenAuthenticator
    audit: Audit
    sessions: Sessions
    tokens: SessionTokens
    letters: Letters


def build(
    kernel: Kernel, keys: ApiKeyAuthenticator, rules: Mapping[str, AccessRule], mailer: Mailer
) -> Accounts:
    """Recognises callers, says who they are, and signs people in. `rules` are those of every method."""
    database, writer, clock, settings = kernel.database, kernel.writer, kernel.clock, kernel.settings
    tokens = SessionTokens(settings.secret, clock)
    sessions = Sessions(tokens, database, clock)
    banned = Banned(database, clock, settings.support_url)
    passwords, letters, requested = Passwords(), Letters(settings.app_url), Notifier()
    plan = next(plan for plan in PLANS if plan == settings.default_plan)
    registration = Registration(
        writer,
        clock,
        passwords,
        sessions,
        mailer,
        letters,
        requested,
        is_open=settings.registration == "open",
        plan=plan,
    )
    members = Members(database, writer, sessions)
    invitations = Invitations(
        database,
        writer,
        clock,
        passwords,
        sessions,
        mailer,
        letters,
        takes_new_people=settings.registration != "off",
    )
    second_factor = SecondFactor(database, writer, clock, kernel.seal, sessions, mailer, letters)
    sign_in = SignIn(database, writer, clock, passwords, tokens, sessions, mailer, letters, second_factor)
    identities = Identities(database, writer, clock, sessions, mailer, letters)
    closing = Closing(writer, clock, second_factor, sessions, mailer, letters)
    missing = missing_settings(settings)
    provider, oidc = None, None
    if not missing:
        provider = Provider(
            Client(
                settings.oidc_issuer,
                settings.oidc_client_id,
                settings.oidc_client_secret,
                redirect_uri(settings.app_url),
            ),
            clock,
        )
        oidc = OidcLogin(
            *(
                database,
                writer,
                clock,
                kernel.seal,
                provider,
                passwords,
                second_factor,
                sign_in,
                mailer,
                letters,
            ),
            name=settings.oidc_name,
            is_open=settings.registration == "open",
            plan=plan,
        )

    async def sweep_some() -> bool:
        return await writer.run(sweep, clock.now_ms())

    access = access_service_pb2.DESCRIPTOR.services_by_name["AccessService"]
    account = account_service_pb2.DESCRIPTOR.services_by_name["AccountService"]
    return Accounts(
        servicers={
            access: AccessServicer(rules, kernel.database),
            account: (
                SignInServicer(registration, sign_in, second_factor),
                OidcServicer(oidc, missing, identities, sign_in),
                MemberServicer(database, members, invitations, sign_in, closing),
            ),
        },
        serving=[
            passwords,
            RequestMailing(writer, clock, mailer, letters, requested),
            Sweeper("accounts.sweep", sweep_some),
            *([] if provider is None else [provider]),
        ],
        audit=Audit(writer, clock, rules),
        authenticator=TokenAuthenticator(keys, sessions, OperatorTokens(database, clock), banned),
        sessions=sessions,
        tokens=tokens,
        letters=letters,
    )


def missing_settings(settings: Settings) -> list[str]:
    """The names of the settings for an OpenID Connect provider that are not made."""
    made = {
        "ZIDIMAIL_OIDC_ISSUER": settings.oidc_issuer,
        "ZIDIMAIL_OIDC_CLIENT_ID": settings.oidc_client_id,
        "ZIDIMAIL_OIDC_CLIENT_SECRET": settings.oidc_client_secret,
    }
    return [name for name, value in made.items() if not value]


def redirect_uri(app_url: str) -> str:
    """The page to which the provider sends people back; it must be registered there."""
    return f"{app_url.rstrip('/')}/dashboard/sign-in/oidc"


def sweep(tx: Tx, now_ms: int) -> bool:
    """Deletes some of what has had its time; True if more may be left."""
    stores = (session_store, request_store, invitation_store, oidc_store, attempts)
    left = [one.sweep(tx, now_ms) for one in stores]
    return any(left)
