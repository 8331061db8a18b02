"""Builds the package."""

from zidimail.v1.admin_service_pb2 import DESCRIPTOR

from server.kernel import Kernel, Package
from server.retention.policy_rpc import RetentionServicer


def build(kernel: Kernel) -> Package:
    """Shows and changes the days for which data is kept."""
    servicer = RetentionServicer(kernel.database, kernel.writer, kernel.clock, kernel.settings.retention)
    return Package(servicers={DESCRIPTOR.services_by_name["AdminService"]: servicer})
