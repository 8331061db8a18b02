"""Builds the package."""

from zidimail.v1 import account_service_pb2

from server.kernel import Kernel, Package
from server.privacy import erasure_store
from server.privacy.eraser import Eraser
from server.privacy.rpc import ErasureServicer
from server.work.sweeper import Sweeper


def build(kernel: Kernel) -> Package:
    """Erases recipients' data, and removes old records of erasures."""
    database, writer, clock = kernel.database, kernel.writer, kernel.clock
    captured = kernel.settings.data_dir / "captured"
    eraser = Eraser(database, writer, clock, kernel.seal, captured)

    async def sweep() -> bool:
        return await writer.run(erasure_store.sweep, clock.now_ms())

    account = account_service_pb2.DESCRIPTOR.services_by_name["AccountService"]
    return Package(
        servicers={account: (ErasureServicer(database, writer, clock, kernel.seal, eraser.wake),)},
        serving=[eraser, Sweeper("privacy.sweep", sweep)],
    )
