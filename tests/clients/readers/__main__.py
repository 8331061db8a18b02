"""Shows the corpus to readers and verifiers of mail: `python -m tests.clients.readers`.

Installs them before. The exit code is not 0 if anything could not be installed, or a test failed.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.clients.guides import packages
from tests.clients.guides.packages import InstallError

DEBIAN_PACKAGES = (
    *("libemail-mime-perl", "libemail-address-xs-perl"),
    *("opendkim-tools", "libresolv-wrapper", "rspamd"),
)
TEST_TIMEOUT_S = 300


def main() -> int:
    """Installs, then tests; returns the exit code."""
    # Node.js may be there without Debian's package.
    node = () if shutil.which("node") and shutil.which("npm") else ("nodejs", "npm")
    try:
        packages.install((*DEBIAN_PACKAGES, *node))
    except InstallError as error:
        print(f"make test-clients: {error}", file=sys.stderr)
        return 1
    tests = str(Path(__file__).parent)
    return subprocess.call([sys.executable, "-m", "pytest", f"--timeout={TEST_TIMEOUT_S}", tests])


if __name__ == "__main__":
    sys.exit(main())
