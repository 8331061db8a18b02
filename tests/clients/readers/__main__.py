"""Shows the corpus to readers and verifiers of mail: `python -m tests.clients.readers`.

Installs them before. The exit code is not 0 if anything could not be installed, or a test failed.
"""

import subprocess
import sys
from pathlib import Path

from tests.clients.commands import CommandError
from tests.clients.guides import packages
from tests.clients.readers.installed import INSTALLED

DEBIAN_PACKAGES = (
    *("perl", "libemail-mime-perl", "libemail-address-xs-perl"),
    *("opendkim-tools", "libresolv-wrapper", "rspamd"),
)
# Some hundreds of messages, each by a process of its own for one verifier.
TEST_TIMEOUT_S = 600


def main() -> int:
    """Installs, then tests; returns the exit code."""
    try:
        packages.install(DEBIAN_PACKAGES)
        INSTALLED.install()
    except CommandError as error:
        print(f"make test-clients: {error}", file=sys.stderr)
        return 1
    tests = str(Path(__file__).parent)
    return subprocess.call([sys.executable, "-m", "pytest", f"--timeout={TEST_TIMEOUT_S}", tests])


if __name__ == "__main__":
    sys.exit(main())
