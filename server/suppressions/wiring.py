"""Builds the package."""

from zidimail.v1.suppression_service_pb2 import DESCRIPTOR

from server.kernel import Kernel, Package
from server.suppressions import bounces
from server.suppressions.rpc import SuppressionServicer
from server.work.sweeper import Sweeper


def build(kernel: Kernel) -> Package:
    """Lists and changes suppressions, and deletes unclear bounces that are too old to count."""

    async def sweep() -> bool:
        return await kernel.writer.run(bounces.sweep, kernel.clock.now_ms())

    servicer = SuppressionServicer(kernel.database, kernel.writer, kernel.clock)
    return Package(
        servicers={DESCRIPTOR.services_by_name["SuppressionService"]: servicer},
        serving=[Sweeper("suppressions.sweep", sweep)],
    )
