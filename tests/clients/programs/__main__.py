"""Runs programs that others wrote for Resend against the platform: `python -m tests.clients.programs`.

Installs them before. The exit code is not 0 if anything could not be installed, or a test failed.
"""

import subprocess
import sys
from pathlib import Path

from tests.clients.commands import CommandError
from tests.clients.programs.installed import INSTALLED


def main() -> int:
    """Installs, then tests; returns the exit code."""
    try:
        INSTALLED.install()
    except CommandError as error:
        print(f"make test-clients: {error}", file=sys.stderr)
        return 1
    return subprocess.call([sys.executable, "-m", "pytest", str(Path(__file__).parent)])


if __name__ == "__main__":
    sys.exit(main())
