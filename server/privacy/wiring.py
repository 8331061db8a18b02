"""Builds the package."""

from zidimail.v1 import account_service_pb2

from server.kernel import Kernel, Package
from server.privacy import erasure_store, export_store
from server.privacy.eraser import Eraser
from server.privacy.export_rpc import ExportServicer
from server.privacy.exporter import Exporter
from server.privacy.rpc import ErasureServicer
from server.work.sweeper import Sweeper


def build(kernel: Kernel) -> Package:
    """Erases recipients' data, exports organisations', and removes what is old of both."""
    database, writer, clock = kernel.database, kernel.writer, kernel.clock
    eraser = Eraser(database, writer, clock, kernel.seal, kernel.settings.data_dir / "captured")
    exporter = Exporter(database, writer, clock)

    async def sweep() -> bool:
        left = await writer.run(erasure_store.sweep, clock.now_ms())
        return await writer.run(export_store.sweep, clock.now_ms()) or left

    account = account_service_pb2.DESCRIPTOR.services_by_name["AccountService"]
    return Package(
        servicers={
            account: (
                ErasureServicer(database, writer, clock, kernel.seal, eraser.wake, kernel.events_appended),
                ExportServicer(database, writer, clock, exporter.wake),
            )
        },
        serving=[eraser, exporter, Sweeper("privacy.sweep", sweep)],
    )
