"""The rules of the house that no linter knows."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import edge.settings
import server.settings

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("server", "edge", "tools", "tests")
# "About 300": a file a little longer need not be torn apart, and a list of tests reads like a table.
MOST_LINES = {"server": 375, "edge": 375, "tools": 375, "tests": 500}
# One page of tables; and what changes them is written by a program.
TABLES = {ROOT / "server/db/schema.py"}
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "core", "manager", "managers", "base", "misc"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
PIN = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+]+")


def sources() -> Iterator[Path]:
    """Every Python file that people write."""
    for room in ROOMS:
        yield from sorted((ROOT / room).rglob("*.py"))


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def is_one_docstring(text: str) -> bool:
    module = ast.parse(text)
    return len(module.body) == 1 and ast.get_docstring(module) is not None


def test_an_init_says_what_the_room_is_for_and_nothing_else() -> None:
    rooms = [path for path in sources() if path.name == "__init__.py"]
    assert not [relative(path) for path in rooms if not is_one_docstring(path.read_text())]


def test_no_file_is_too_long_to_hold_in_mind() -> None:
    lengths = {
        relative(path): len(path.read_text().splitlines())
        for path in sources()
        if path not in TABLES and path.parent.name != "versions"
    }
    assert not {
        name: length for name, length in lengths.items() if length > MOST_LINES[name.partition("/")[0]]
    }


def test_no_room_has_a_name_that_says_nothing() -> None:
    names = {path: {path.stem, path.parent.name} & VAGUE_NAMES for path in sources()}
    assert not {relative(path): vague for path, vague in names.items() if vague}


def test_nothing_is_left_for_later() -> None:
    others = [path for path in sources() if path != Path(__file__)]
    assert not [relative(path) for path in others if UNFINISHED.search(path.read_text())]


def test_every_requirement_is_pinned_and_no_pin_names_where_it_comes_from() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert not [line for line in lines if not PIN.fullmatch(line)]
    pinned = {normal(line.partition("==")[0]) for line in lines}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert names_of(project["dependencies"] + project["optional-dependencies"]["dev"]) <= pinned


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def names_of(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[\[<>=!~; ]", requirement)[0]) for requirement in requirements}


def imported(path: Path) -> set[str]:
    """The top-level packages that a file imports, apart from `google`, which several projects share."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return {name.partition(".")[0] for name in found} - {"google"}


def test_what_is_imported_is_required() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    to_run = names_of(project["dependencies"])
    to_develop = to_run | names_of(project["optional-dependencies"]["dev"])
    providers = metadata.packages_distributions()
    ours = {*sys.stdlib_module_names, *ROOMS, "zidimail"}
    missing = {}
    for path in sources():
        required = to_run if relative(path).startswith(("server", "edge")) else to_develop
        foreign = imported(path) - ours
        missing[relative(path)] = {
            name
            for name in foreign
            if not required & {normal(provider) for provider in providers.get(name, [])}
        }
    assert not {path: names for path, names in missing.items() if names}


class Asked(dict[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self, given: dict[str, str]) -> None:
        super().__init__(given)
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)


def test_the_readme_names_every_setting_and_no_other(tmp_path: Path) -> None:
    env = Asked({"ZIDIMAIL_DATA_DIR": str(tmp_path)})
    server.settings.Settings.from_env(env)
    edge.settings.Settings.from_env(env)
    named = set(re.findall(r"ZIDIMAIL_[A-Z_]*[A-Z]", (ROOT / "README.md").read_text()))
    assert named - {"ZIDIMAIL_TEST_POSTGRES_URL"} == env.names


def test_the_readme_names_commands_that_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", (ROOT / "README.md").read_text())) <= targets
