"""Builds the package."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from zidimail.v1.admin_service_pb2 import DESCRIPTOR

from server.kernel import Kernel, Package
from server.retention.captured import KIND, CapturedSweep
from server.retention.emails import Emails
from server.retention.events import Events
from server.retention.kinds import BY_ID, Kind
from server.retention.operator_log import OperatorLogSweep
from server.retention.policy_rpc import RetentionServicer
from server.retention.sweep import Sweep
from server.work.backpressure import Pacer
from server.work.service import Service
from server.work.sweeper import Sweeper

# Seconds between two looks for old data, which is kept for days.
PAUSE_S = 3600.0

Step: TypeAlias = Callable[[], Awaitable[bool]]


def build(kernel: Kernel) -> Package:
    """Shows and changes the days for which data is kept, and deletes what is older."""
    database, writer, clock, settings = kernel.database, kernel.writer, kernel.clock, kernel.settings

    def sweeper(name: str, step: Step) -> Service:
        # While many sends are accepted it pauses after each step, as all background loops do.
        pacer = Pacer(f"retention.{name}", kernel.backpressure, gather_s=0.0, high_gather_s=0.0)
        return Sweeper(f"retention.{name}", lambda: pacer.run(step), pause_s=PAUSE_S)

    all_kinds: list[Kind] = [*BY_ID, Emails(), Events()]
    kinds = [Sweep(kind, settings.retention, database, writer, clock) for kind in all_kinds]
    log = OperatorLogSweep(settings.retention["audit"], database, writer, clock)
    folder = settings.data_dir / "captured"
    captured = CapturedSweep(folder, settings.retention[KIND], database, clock)
    servicer = RetentionServicer(database, writer, clock, settings.retention)
    return Package(
        servicers={DESCRIPTOR.services_by_name["AdminService"]: servicer},
        serving=[
            *(sweeper(kind.name, kind.step) for kind in kinds),
            sweeper("operator_log", log.step),
            sweeper(KIND, captured.step),
        ],
    )
