"""Builds the package."""

from zidimail.v1.admin_service_pb2 import DESCRIPTOR

from server.account_health.judging import thresholds_of
from server.accounts.letters import Letters
from server.accounts.mailing import Mailer
from server.accounts.session_tokens import SessionTokens
from server.accounts.sessions import Sessions
from server.admin.accounts import Window
from server.admin.organisation_rpc import OrganisationServicer
from server.admin.people_rpc import PeopleServicer
from server.admin.platform_rpc import PlatformServicer
from server.kernel import Kernel, Package


def build(
    kernel: Kernel, tokens: SessionTokens, sessions: Sessions, mailer: Mailer, letters: Letters
) -> Package:
    """Serves the operator."""
    parts, thresholds = (kernel.database, kernel.writer, kernel.clock), thresholds_of(kernel.settings)
    window = Window(thresholds.window_hours, kernel.settings.slow_start)
    return Package(
        servicers={
            DESCRIPTOR.services_by_name["AdminService"]: (
                OrganisationServicer(*parts, window, kernel.events_appended),
                PeopleServicer(*parts, tokens, sessions, mailer, letters),
                PlatformServicer(*parts, thresholds),
            )
        }
    )
