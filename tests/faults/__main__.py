"""The long crash test: `python -m tests.faults --rounds 100`. Exit code 1 when a promise was broken."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.faults import attacks
from tests.faults.crash import CrashRun, plan
from tests.harness.postgres import Postgres


def main() -> int:
    """Runs and prints the books."""
    parser = argparse.ArgumentParser(description="kills the programs while clients send, and counts")
    parser.add_argument("--rounds", type=int, default=100, help="how many kills")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--failpoints", default="", help="failpoints that are on in every round, to break it")
    parser.add_argument("--attacks", type=float, default=0, help="seconds of each attack, instead of kills")
    arguments = parser.parse_args()
    if arguments.attacks:
        with tempfile.TemporaryDirectory(prefix="zidimail-attacks-") as folder:
            broken = asyncio.run(attacks.run(Path(folder), arguments.attacks))
        print(f"broken: {', '.join(broken) or 'nothing'}")
        return 1 if broken else 0
    url = Postgres.for_tests().create_database() if arguments.database == "postgresql" else None
    with tempfile.TemporaryDirectory(prefix="zidimail-faults-") as folder:
        run = CrashRun(Path(folder), database_url=url, failpoints=arguments.failpoints)
        outcome = asyncio.run(run.run(list(plan(arguments.rounds))))
    print(outcome)
    return 0 if outcome.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
