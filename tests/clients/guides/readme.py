"""The shell commands of a guide's README: the tests run them as they stand."""

import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.clients.guides.guide import DESCRIPTORS, FOLDER, Guide

BLOCK = re.compile(r"^## (?P<section>.+?)$.*?^```sh$\n(?P<commands>.*?)^```$", re.MULTILINE | re.DOTALL)


def sections(language: str) -> dict[str, str]:
    """The shell block below each heading that has one."""
    text = (FOLDER / language / "README.md").read_text()
    return {found["section"]: found["commands"] for found in BLOCK.finditer(text)}


def debian_packages(language: str) -> tuple[str, ...]:
    """The packages that the section Install installs by apt-get."""
    _, _, words = sections(language)["Install"].replace("\\\n", "").partition("apt-get install")
    return tuple(word for word in words.split() if not word.startswith("-"))


def prepared(guide: Guide, parent: Path, *, env: Mapping[str, str] | None = None) -> Path:
    """Copies a guide into `parent`, with the descriptors; generates, and builds if there is a section Build.

    `env` is added to the environment. Returns the copy. Raises GuideError.
    """
    folder = guide.copy(parent)
    shutil.copy(DESCRIPTORS, folder)
    found = sections(guide.language)
    for section in ("Generate", "Build"):
        if section in found:
            guide.call(*shell(guide, found[section]), cwd=folder, env=env)
    return folder


def program(guide: Guide) -> list[str]:
    """The command of the section Run, which sets example values before."""
    lines = sections(guide.language)["Run"].splitlines(keepends=True)
    return shell(guide, "".join(line for line in lines if not line.startswith("export ")))


def shell(guide: Guide, script: str) -> list[str]:
    """The command that runs `script` in Bash, in the guide's Python environment if it has one."""
    activate = Path(guide.python).with_name("activate")
    if activate.exists():
        script = f". {shlex.quote(str(activate))}\n{script}"
    return ["bash", "-euo", "pipefail", "-c", script]
