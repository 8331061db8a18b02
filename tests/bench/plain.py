"""The other peer of B1 and B2: the same programs without batching, one RPC and one commit a request.

`python -m tests.bench.plain server …` and `… edge` are `python -m server …` and `python -m edge` with the
limits of group commit and coalescing set to one.
"""

import runpy
import sys
from collections.abc import Mapping

import edge.coalesce
import server.db.writer
from tests.harness.stack import Stack


class PlainStack(Stack):
    """A stack whose programs batch nothing."""

    def _spawn(self, name: str, *arguments: str, env: Mapping[str, str] | None) -> None:
        super()._spawn(name, "tests.bench.plain", *arguments, env=env)


def main() -> None:
    """Sets the limits and becomes the program named by the first argument."""
    server.db.writer.MAX_GROUP = 1
    edge.coalesce.ITEMS = 1
    edge.coalesce.CALLS = 1_000_000
    program = sys.argv.pop(1)
    runpy.run_module(f"{program}.__main__", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
