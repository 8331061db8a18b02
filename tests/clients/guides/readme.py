"""The shell commands of a guide's README, which the tests run as they stand."""

import re

_BLOCK = re.compile(r"^## (?P<section>.+?)$.*?^```sh$\n(?P<commands>.*?)^```$", re.MULTILINE | re.DOTALL)


def sections(text: str) -> dict[str, str]:
    """The first shell block below each heading of a README, by heading."""
    return {found["section"]: found["commands"] for found in _BLOCK.finditer(text)}


def debian_packages(commands: str) -> list[str]:
    """The packages that `commands` install by apt-get; none without it."""
    _, _, words = commands.replace("\\\n", "").partition("apt-get install")
    return [word for word in words.partition("\n")[0].split() if not word.startswith("-")]


def without_settings(commands: str) -> str:
    """The commands without the lines that set example values."""
    lines = commands.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("export "))
