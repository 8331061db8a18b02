"""Writes requirements/: the pinned packages with the hashes of their files, for the product and with tools.

pip installs from them with `--require-hashes`: a file that was changed at the index or on its way is refused.
`--check` compares them with pyproject.toml and constraints.txt, without the network.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
FOLDER = REPOSITORY / "requirements"
PRODUCT, TOOLS = FOLDER / "product.txt", FOLDER / "tools.txt"
CONSTRAINTS = REPOSITORY / "constraints.txt"
_COMPILER = "uv==0.13.9"
_OLDEST_PYTHON = "3.11"
# A package, its version, and all that follows on the lines that a backslash joins: a marker and the hashes.
_PIN = re.compile(
    r"^(?P<name>[\w.-]+)(?:\[[^]]*\])?==(?P<version>[^\s;\\]+)"
    r"(?P<rest>(?:.*\\\n)*.*)",
    re.MULTILINE,
)


def wanted(*, tools: bool) -> list[str]:
    """The requirements of pyproject.toml: of the build and the product, and with `tools` of the tools."""
    read = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    project = read["project"]
    extra: Sequence[str] = project["optional-dependencies"]["dev"] if tools else ()
    return [*read["build-system"]["requires"], *project["dependencies"], *extra]


def pins(text: str) -> dict[str, str]:
    """The version of each package that a file pins, by its normal name."""
    return {normal(pin["name"]): pin["version"] for pin in _PIN.finditer(text)}


def problems(text: str, asked: Sequence[str], constraints: str) -> list[str]:
    """The differences of a file of hashes from the requirements `asked` and from the constraints."""
    pinned, allowed = pins(text), pins(constraints) | pins("\n".join(asked))
    names = {normal(re.split(r"[\[<>=!~; ]", requirement)[0]) for requirement in asked}
    found = [f"{name} has no pin" for name in sorted(names - pinned.keys())]
    for pin in _PIN.finditer(text):
        name, version, rest = normal(pin["name"]), pin["version"], pin["rest"]
        if allowed.get(name, version) != version:
            found.append(f"{name} is pinned to {version}, and not to {allowed[name]} as in constraints.txt")
        # Packages of other systems alone may be missing in the constraints, which were made on one.
        if name not in allowed and ";" not in rest.partition("\n")[0]:
            found.append(f"{name} has no pin in constraints.txt")
        if "--hash=sha256:" not in rest:
            found.append(f"{name} has no hash")
    return found


def normal(name: str) -> str:
    """The form in which two spellings of a package's name are equal (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


@contextmanager
def programs(*packages: str) -> Iterator[Path]:
    """The folder of programs of a new environment with these packages, which is removed after use."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        found = Path(folder) / "bin"
        subprocess.run([found / "python", "-m", "pip", "install", "--quiet", *packages], check=True)
        yield found


def _write() -> None:
    FOLDER.mkdir(exist_ok=True)
    with programs(_COMPILER) as found:
        for path, tools in ((PRODUCT, False), (TOOLS, True)):
            subprocess.run(
                [
                    *(found / "uv", "pip", "compile", "-", "--constraint", CONSTRAINTS),
                    *("--generate-hashes", "--universal", "--python-version", _OLDEST_PYTHON),
                    *("--no-annotate", "--no-header", "--quiet", "--output-file", path),
                ],
                input="\n".join(wanted(tools=tools)).encode(),
                stdout=subprocess.DEVNULL,
                check=True,
            )


def main() -> None:
    """Writes the files, or with `--check` exits with 1 if they are not those of the constraints."""
    if sys.argv[1:] != ["--check"]:
        _write()
    constraints = CONSTRAINTS.read_text()
    found = [
        f"{path.relative_to(REPOSITORY)}: {problem}"
        for path, tools in ((PRODUCT, False), (TOOLS, True))
        for problem in problems(path.read_text(), wanted(tools=tools), constraints)
    ]
    if found:
        sys.exit("\n".join([*found, "Run `make requirements`."]))


if __name__ == "__main__":
    main()
