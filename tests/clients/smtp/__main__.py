"""Runs the documented set-ups of SMTP clients: `python -m tests.clients.smtp`.

Installs them before. The exit code is not 0 if anything could not be installed, or a test failed.
"""

import subprocess
import sys
from pathlib import Path

from tests.clients.commands import CommandError
from tests.clients.guides import packages
from tests.clients.programs.installed import INSTALLED

DEBIAN_PACKAGES = (
    *("swaks", "curl", "msmtp"),
    *("php-cli", "php-mbstring", "libphp-phpmailer", "php-symfony-mailer"),
)


def main() -> int:
    """Installs, then tests; returns the exit code."""
    try:
        packages.install(DEBIAN_PACKAGES)
        INSTALLED.install()
    except CommandError as error:
        print(f"make test-clients: {error}", file=sys.stderr)
        return 1
    return subprocess.call([sys.executable, "-m", "pytest", str(Path(__file__).parent)])


if __name__ == "__main__":
    sys.exit(main())
