"""Debian packages, installed when they are missing."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.clients.commands import CommandError, run

# Mirrors may be slow, and compilers are large.
APT_WITHIN_S = 1_800


class InstallError(CommandError):
    """Packages are missing and could not be installed; the message says which, and the remedy."""


def install(packages: Iterable[str]) -> None:
    """Installs the packages that this machine lacks. Raises InstallError."""
    missing = sorted(set(packages) - installed())
    if not missing:
        return
    names = " ".join(missing)
    if shutil.which("apt-get") is None:
        raise InstallError(
            f"`make test-clients` needs these Debian packages: {names}. This machine has no apt-get: run "
            "it on Debian 12, or in a container of it."
        )
    print(f"Installing {names} …", flush=True)
    try:
        _as_root("update")
        _as_root("install", "--yes", "--no-install-recommends", *missing)
    except CommandError as error:
        raise InstallError(
            f"{error}\nInstalling Debian packages failed, see above. "
            f"By hand, as root: apt-get install --no-install-recommends {names}"
        ) from None


def unpack(packages: Iterable[str], folder: Path) -> None:
    """Puts the content of packages into `folder`, for those that exclude installed ones. Raises CommandError.

    Their dependencies are not unpacked along.
    """
    folder.mkdir(parents=True, exist_ok=True)
    download = ("apt-get", "--quiet", "download", *packages)
    try:
        run(*download, cwd=folder, within=APT_WITHIN_S)
    except CommandError:
        # The lists of packages are missing or old.
        _as_root("update")
        run(*download, cwd=folder, within=APT_WITHIN_S)
    for package in folder.glob("*.deb"):
        run("dpkg-deb", "--extract", package.name, ".", cwd=folder)
        package.unlink()


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


def _as_root(*arguments: str) -> None:
    root = [] if os.geteuid() == 0 else ["sudo", "--non-interactive"]
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    run(*root, "apt-get", "--quiet", *arguments, env=env, within=APT_WITHIN_S)
