"""`python -m tests.histories`: histories of many seeds; exits with 1 if a promise was broken."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.harness.postgres import Postgres
from tests.histories.run import run


def main() -> None:
    """Runs the histories of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="how many histories on each engine (10)")
    parser.add_argument("--first", type=int, default=1, help="the first seed (1)")
    parser.add_argument("--faults", type=int, default=4, help="how many faults in each (4)")
    parser.add_argument("--engine", choices=["sqlite", "postgresql"], help="only one engine")
    asked = parser.parse_args()
    postgres = Postgres.for_tests() if asked.engine != "sqlite" else None
    broken = 0
    for seed in range(asked.first, asked.first + asked.seeds):
        for engine in [asked.engine] if asked.engine else ["sqlite", "postgresql"]:
            url = postgres.create_database() if postgres and engine == "postgresql" else None
            with tempfile.TemporaryDirectory(prefix="zidimail-history-") as folder:
                outcome = asyncio.run(run(Path(folder), seed, database_url=url, faults=asked.faults))
            print(outcome, flush=True)
            broken += len(outcome.broken)
            if postgres and url:
                postgres.drop_database(url)
    print(f"broken promises: {broken}")
    sys.exit(broken > 0)


if __name__ == "__main__":
    main()
