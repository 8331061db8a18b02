"""Follows the recipes of `docs/gateways`: `python -m tests.clients.gateways`.

Installs what they need before. The exit code is not 0 if anything could not be installed, or a test failed.
"""

import subprocess
import sys
from pathlib import Path

from tests.clients.commands import CommandError
from tests.clients.gateways import recipes

# The Go compiler takes a minute or two on a busy machine.
TEST_TIMEOUT_S = 900


def main() -> int:
    """Installs, then tests; returns the exit code."""
    try:
        recipes.install()
    except CommandError as error:
        print(f"make test-clients: {error}", file=sys.stderr)
        return 1
    tests = str(Path(__file__).with_name("test_gateways.py"))
    return subprocess.call([sys.executable, "-m", "pytest", f"--timeout={TEST_TIMEOUT_S}", tests])


if __name__ == "__main__":
    sys.exit(main())
