"""Runs the client guides: `python -m tests.clients.guides [LANGUAGE ...]`, all of them by default.

Installs what they need before. The exit code is not 0 if anything could not be installed, or a test failed.
"""

import argparse
import importlib
import subprocess
import sys
from pathlib import Path

from tests.clients.guides import packages
from tests.clients.guides.guide import Guide, GuideError

# Compiling C++ stubs takes minutes on a busy machine.
TEST_TIMEOUT_S = 900


def guides() -> dict[str, tuple[Guide, Path]]:
    """Every guide and the file that tests it, by language."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        guide: Guide = importlib.import_module(f"{__package__}.{path.stem}").GUIDE
        found[guide.language] = (guide, path)
    return found


def main() -> int:
    """Installs, then tests; returns the exit code."""
    known = guides()
    parser = argparse.ArgumentParser(prog="python -m tests.clients.guides", description=__doc__)
    parser.add_argument("languages", nargs="*", help=", ".join(known))
    languages = parser.parse_args().languages or list(known)
    if unknown := set(languages) - known.keys():
        parser.error(f"there is no guide for {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    chosen = [known[language] for language in languages]
    try:
        packages.install(package for guide, _ in chosen for package in guide.packages)
        for guide, _ in chosen:
            guide.install()
    except (packages.InstallError, GuideError) as error:
        print(f"make test-clients: {error}", file=sys.stderr)
        return 1
    tests = [str(path) for _, path in chosen]
    return subprocess.call([sys.executable, "-m", "pytest", f"--timeout={TEST_TIMEOUT_S}", *tests])


if __name__ == "__main__":
    sys.exit(main())
