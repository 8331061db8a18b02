"""Builds the package."""

from zidimail.v1.usage_service_pb2 import DESCRIPTOR

from server.kernel import Kernel, Package
from server.quotas.rpc import UsageServicer
from server.quotas.sweep import RecipientSweep
from server.work.sweeper import Sweeper


def build(kernel: Kernel) -> Package:
    """Shows usage, and deletes the recipients of past months."""
    sweep = RecipientSweep(kernel.database, kernel.writer, kernel.clock)
    servicer = UsageServicer(kernel.database, kernel.clock, kernel.settings)
    return Package(
        servicers={DESCRIPTOR.services_by_name["UsageService"]: servicer},
        serving=[Sweeper("quotas.sweep", sweep.step)],
    )
