"""The long fault tests: `python -m tests.faults --rounds 100`. Exit code 1 when a promise was broken."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeAlias

from tests.faults import attacks, batch_jobs, shares
from tests.faults.crash import CrashRun, Outcome, plan
from tests.faults.lists import WINDOWS, ListRun
from tests.faults.lists import Outcome as Sent
from tests.faults.outages import Outcome as Outages
from tests.faults.outages import fail_over, paused_worker, restarts
from tests.faults.relay import Outcome as Relayed
from tests.faults.relay import RelayRun, deaths
from tests.harness.postgres import Postgres
from tests.harness.stack import Stack

AnyOutcome: TypeAlias = Outcome | Outages | Relayed | Sent | batch_jobs.Outcome
RESTARTS = 10
# Longer than a lease.
PAUSE_S = 75.0
JOBS, EMAILS = 100, 90


def main() -> int:
    """Runs and prints the books."""
    parser = argparse.ArgumentParser(description="kills the programs while clients send, and counts")
    parser.add_argument("--rounds", type=int, default=100, help="how many kills")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--failpoints", default="", help="failpoints that are on in every round, to break it")
    parser.add_argument("--attacks", type=float, default=0, help="seconds of each attack, instead of kills")
    parser.add_argument("--only", default="", help="attacks with this in their name")
    parser.add_argument("--relay", type=int, default=0, help="kills of relay and server, instead of the rest")
    parser.add_argument(
        "--lists", type=int, default=0, help="members of a list to send to, instead of the rest"
    )
    arguments = parser.parse_args()
    if arguments.attacks:
        with tempfile.TemporaryDirectory(prefix="zidimail-attacks-") as folder:
            broken = asyncio.run(attacks.run(Path(folder), arguments.attacks, names=arguments.only))
            broken += asyncio.run(
                shares.run(Path(folder) / "shares", arguments.attacks, names=arguments.only)
            )
        print(f"broken: {', '.join(broken) or 'nothing'}")
        return 1 if broken else 0
    url = Postgres.for_tests().create_database() if arguments.database == "postgresql" else None
    if arguments.relay:
        with tempfile.TemporaryDirectory(prefix="zidimail-relay-") as folder:
            run = RelayRun(Path(folder), database_url=url, failpoints=arguments.failpoints)
            title = f"{arguments.relay} kills of relay and server"
            return 0 if _passes(title, run.run(list(deaths(arguments.relay)))) else 1
    if arguments.lists:
        with tempfile.TemporaryDirectory(prefix="zidimail-lists-") as folder:
            title = f"a send to {arguments.lists:,} members, {len(WINDOWS)} kills"
            return 0 if _passes(title, ListRun(Path(folder), arguments.lists, database_url=url).run()) else 1
    with tempfile.TemporaryDirectory(prefix="zidimail-faults-") as name:
        folders = [Path(name) / run for run in ("crash", "restarts", "fail-over", "pause", "jobs")]
        for folder in folders:
            folder.mkdir()
        crash = CrashRun(folders[0], database_url=url, failpoints=arguments.failpoints)
        clean = [
            _passes(f"{arguments.rounds} kills", crash.run(list(plan(arguments.rounds)))),
            _passes(f"the database crashes {RESTARTS} times", restarts(folders[1], RESTARTS)),
            _passes("the database fails over", fail_over(folders[2])),
            _passes(f"a worker stands still for {PAUSE_S:.0f} s", paused_worker(folders[3], PAUSE_S)),
            _passes(f"{JOBS} jobs are created at once", _jobs_at_once(folders[4])),
        ]
    return 0 if all(clean) else 1


async def _jobs_at_once(folder: Path) -> batch_jobs.Outcome:
    def run() -> batch_jobs.Outcome:
        with Stack(folder) as stack:
            return batch_jobs.at_once(stack, stack.owner, JOBS, EMAILS)

    return await asyncio.to_thread(run)


def _passes(title: str, run: Coroutine[Any, Any, AnyOutcome]) -> bool:
    outcome = asyncio.run(run)
    print(f"\n{title}\n{outcome}", flush=True)
    return outcome.is_clean


if __name__ == "__main__":
    sys.exit(main())
