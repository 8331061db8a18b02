"""A wall clock that is wrong, for programs that tests start: libfaketime, of the Debian package of that name.

Monotonic clocks stay right, as on a machine whose time of day was set wrongly.
"""

import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from tests.harness.stack import ROOT

_PACKAGE = "libfaketime"
_FOLDER = ROOT / "build" / "faketime"
_LIBRARY = "usr/lib/*/faketime/libfaketimeMT.so.1"


class WrongClock:
    """A clock that is some seconds ahead; `set` changes that while programs run."""

    def __init__(self, folder: Path, ahead_s: int) -> None:
        self._file = folder / "clock"
        self.set(ahead_s)
        self.env = {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            # Seconds until a change of the file is seen.
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, ahead_s: int) -> None:
        """Steps the clock of programs that run, and of those that are started later."""
        draft = self._file.with_suffix(".new")
        draft.write_text(f"{ahead_s:+d}s\n")
        draft.replace(self._file)


@cache
def _library() -> Path:
    """The library as it is installed, else unpacked under `build/`."""
    if not (found := [*Path("/").glob(_LIBRARY), *_FOLDER.glob(_LIBRARY)]):
        _FOLDER.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_FOLDER.parent) as name:
            folder = Path(name)
            folder.chmod(0o755)
            _run("apt-get", "--quiet", "download", _PACKAGE, folder=folder)
            [package] = folder.glob("*.deb")
            _run("dpkg-deb", "--extract", package.name, "content", folder=folder)
            if not _FOLDER.exists():
                os.rename(folder / "content", _FOLDER)
        found = [*_FOLDER.glob(_LIBRARY)]
    return found[0]


def _run(*command: str, folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"`{' '.join(command)}` (tests need Debian's {_PACKAGE}): {done.stderr}"
