"""Builds the package."""

from zidimail.v1.account_service_pb2 import DESCRIPTOR

from server.account_health.judging import Healing, thresholds_of
from server.account_health.rpc import AccountServicer
from server.kernel import Kernel, Package
from server.work.sweeper import Sweeper

# Seconds between two looks at the accounts under review, which heal after a day.
_HEALING_S = 60.0


def build(kernel: Kernel) -> Package:
    """Shows the health of accounts, heals those under review, and deletes old counts."""
    thresholds = thresholds_of(kernel.settings)
    healing = Healing(kernel.database, kernel.writer, kernel.clock, kernel.events_appended, thresholds)
    servicer = AccountServicer(kernel.database, kernel.clock, thresholds, kernel.settings.support_url)
    return Package(
        servicers={DESCRIPTOR.services_by_name["AccountService"]: servicer},
        serving=[
            Sweeper("account_health.healing", healing.step, pause_s=_HEALING_S),
            Sweeper("account_health.sweep", healing.sweep),
        ],
    )
