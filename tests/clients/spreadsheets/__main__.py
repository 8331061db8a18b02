"""Imports files that LibreOffice saved: `python -m tests.clients.spreadsheets`.

Installs it before. The exit code is not 0 if it could not be installed, or a test failed.
"""

import subprocess
import sys
from pathlib import Path

from tests.clients.commands import CommandError
from tests.clients.guides import packages

DEBIAN_PACKAGES = ("libreoffice-calc-nogui",)


def main() -> int:
    """Installs, then tests; returns the exit code."""
    try:
        packages.install(DEBIAN_PACKAGES)
    except CommandError as error:
        print(f"make test-clients: {error}", file=sys.stderr)
        return 1
    return subprocess.call([sys.executable, "-m", "pytest", str(Path(__file__).parent)])


if __name__ == "__main__":
    sys.exit(main())
