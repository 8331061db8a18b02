"""Runs the client guides: `python -m tests.clients.guides [LANGUAGE ...]`, all of them by default.

Installs what they need before. The exit code is not 0 if anything could not be installed, or a test failed.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from tests.clients.commands import CommandError
from tests.clients.guides import packages
from tests.clients.guides.guide import Guide, languages

# Compiling C++ stubs takes minutes on a busy machine.
TEST_TIMEOUT_S = 900


def main() -> int:
    """Installs, then tests; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.clients.guides", description=__doc__)
    parser.add_argument("languages", nargs="*", metavar="LANGUAGE", help=", ".join(languages()))
    named = parser.parse_args().languages
    if unknown := set(named) - set(languages()):
        parser.error(f"no guide for {', '.join(sorted(unknown))}; there are {', '.join(languages())}")
    guides = [Guide(language) for language in named or languages()]
    try:
        packages.install(package for guide in guides for package in guide.packages)
        for guide in guides:
            guide.install()
    except CommandError as error:
        print(f"make test-clients: {error}", file=sys.stderr)
        return 1
    chosen = [f"--language={guide.language}" for guide in guides]
    options = [f"--timeout={TEST_TIMEOUT_S}", "--verbose", *chosen]
    return subprocess.call([sys.executable, "-m", "pytest", *options, str(Path(__file__).parent)])


if __name__ == "__main__":
    sys.exit(main())
