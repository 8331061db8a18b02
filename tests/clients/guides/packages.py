"""Debian packages, installed when they are missing."""

import os
import shutil
import subprocess
from collections.abc import Iterable


class InstallError(Exception):
    """Packages are missing and could not be installed; the message says which, and the remedy."""


def install(packages: Iterable[str]) -> None:
    """Installs the packages that this machine lacks. Raises InstallError."""
    missing = sorted(set(packages) - installed())
    if not missing:
        return
    names = " ".join(missing)
    if shutil.which("apt-get") is None:
        raise InstallError(
            f"The guides need these Debian packages: {names}. This machine has no apt-get: run "
            "`make test-clients` on Debian 12, or in a container of it."
        )
    root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    print(f"Installing {names} …", flush=True)
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *missing]):
        done = subprocess.run(
            [*root, "apt-get", "--quiet", *command],
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise InstallError(
                f"{done.stdout[-2_000:]}\nInstalling Debian packages for the guides failed, see above. "
                f"By hand, as root: apt-get install --no-install-recommends {names}"
            )


def installed() -> set[str]:
    """The names of the Debian packages that are installed; none on other systems."""
    if shutil.which("dpkg-query") is None:
        return set()
    listed = subprocess.run(
        ["dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Package}\n"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    lines = (line.partition(" ") for line in listed.splitlines())
    return {package for status, _, package in lines if status == "installed"}
