"""Builds the package."""

from zidimail.v1.suppression_service_pb2 import DESCRIPTOR

from server.kernel import Kernel, Package
from server.suppressions import bounces, store
from server.suppressions.rpc import SuppressionServicer
from server.work.sweeper import Sweeper


def build(kernel: Kernel) -> Package:
    """Lists and changes suppressions, and deletes expired ones and old unclear bounces."""

    async def sweep() -> bool:
        now = kernel.clock.now_ms()
        more = [await kernel.writer.run(one.sweep, now) for one in (bounces, store)]
        return any(more)

    servicer = SuppressionServicer(kernel.database, kernel.writer, kernel.clock)
    return Package(
        servicers={DESCRIPTOR.services_by_name["SuppressionService"]: servicer},
        serving=[Sweeper("suppressions.sweep", sweep)],
    )
