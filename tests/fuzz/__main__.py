"""`python -m tests.fuzz --seconds N`: tries the API with generated requests of all kinds."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.fuzz.described import PREFIXES, fuzz
from tests.harness.dns_server import dns_in_a_thread
from tests.harness.stack import Stack


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=600, help="how long for each dialect (600)")
    parser.add_argument("--seed", help="repeats an earlier run")
    arguments = parser.parse_args()
    options = ["--max-time", str(arguments.seconds), "--max-examples", "1000"]
    if arguments.seed is not None:
        options += ["--seed", arguments.seed]
    with tempfile.TemporaryDirectory(prefix="zidimail-fuzz-") as name, dns_in_a_thread() as dns:
        folder = Path(name)
        with Stack(folder / "data", env={"ZIDIMAIL_DNS": dns.address}) as stack:
            runs = [fuzz(stack, folder, prefix, *options) for prefix in PREFIXES]
            for run in runs:
                print(run.output)
            passed = all(run.passed for run in runs)
            if not passed:
                print(stack.log_tails())
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
