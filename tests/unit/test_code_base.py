"""The rules of this code base that no linter checks."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import edge.settings
import edge.smtp.settings
import server.settings

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("server", "edge", "tools", "tests")
MAX_LINES = 300
ONE_SUBJECT = "the tests of one subject, with fixtures that they share"
# Longer files, each with its reason. An entry goes as soon as its file has at most 300 lines.
LONGER_FILES = {
    "server/db/migrations/versions/0001_the_first_schema.py": "one version of the schema, never edited again",
    "tests/acceptance/test_exactness.py": ONE_SUBJECT,
    "tests/clients/test_resend_python.py": ONE_SUBJECT,
    "tests/contract/rows.py": "a table: one row for each RPC",
    "tests/delivery/test_engine.py": ONE_SUBJECT,
    "tests/delivery/test_smarthost.py": ONE_SUBJECT,
    "tests/harness/smtp_session.py": "one SMTP server, with a method for each command",
    "tests/harness/stack.py": "starting, watching and stopping all programs share their state",
    "tests/rest/test_bad_input.py": ONE_SUBJECT,
    "tests/rpc/test_domains.py": ONE_SUBJECT,
    "tests/rpc/test_webhooks.py": ONE_SUBJECT,
    "tests/store/test_delivery_queue.py": ONE_SUBJECT,
    "tests/store/test_domains.py": ONE_SUBJECT,
    "tests/store/test_keys.py": ONE_SUBJECT,
    "tests/store/test_schedule.py": ONE_SUBJECT,
    "tests/store/test_webhooks.py": ONE_SUBJECT,
    "tests/unit/edge/test_app.py": ONE_SUBJECT,
    "tests/unit/server/emails/test_admission.py": ONE_SUBJECT,
    "tests/unit/server/net/test_dns.py": ONE_SUBJECT,
    "tests/unit/server/net/test_http.py": ONE_SUBJECT,
    "tests/unit/server/wire/test_interceptors.py": ONE_SUBJECT,
}
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "core", "manager", "managers", "base", "misc"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
PIN = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9.!+]+")


def sources() -> Iterator[Path]:
    """Every Python file that people write."""
    for folder in FOLDERS:
        yield from sorted((ROOT / folder).rglob("*.py"))


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def is_one_docstring(text: str) -> bool:
    module = ast.parse(text)
    return len(module.body) == 1 and ast.get_docstring(module) is not None


def test_an_init_file_holds_the_purpose_of_its_package_and_nothing_else() -> None:
    packages = [path for path in sources() if path.name == "__init__.py"]
    assert not [relative(path) for path in packages if not is_one_docstring(path.read_text())]


def test_no_file_but_the_listed_ones_has_more_than_300_lines() -> None:
    lengths = {relative(path): len(path.read_text().splitlines()) for path in sources()}
    longer = {name: length for name, length in lengths.items() if length > MAX_LINES}
    assert not {name: length for name, length in longer.items() if name not in LONGER_FILES}, "divide them"
    assert not LONGER_FILES.keys() - longer.keys(), "short enough now: remove the entries"


def test_no_module_or_package_has_a_vague_name() -> None:
    names = {path: {path.stem, path.parent.name} & VAGUE_NAMES for path in sources()}
    assert not {relative(path): vague for path, vague in names.items() if vague}


def test_no_comment_marks_unfinished_work() -> None:
    others = [path for path in sources() if path != Path(__file__)]
    assert not [relative(path) for path in others if UNFINISHED.search(path.read_text())]


def test_every_requirement_is_pinned_and_no_pin_has_an_index_address() -> None:
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


# Programs that others' interpreters run, with the packages of a requirements.txt beside them.
RUN_ELSEWHERE = {
    "tests/bench/bare_aiosmtpd.py",
    "tests/clients/programs/apprise_notify.py",
    "tests/clients/programs/django_app.py",
    "tests/clients/smtp/programs/django_mail.py",
}


def test_every_imported_package_is_a_requirement() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    to_run = names_of(project["dependencies"])
    to_develop = to_run | names_of(project["optional-dependencies"]["dev"])
    providers = metadata.packages_distributions()
    ours = {*sys.stdlib_module_names, *FOLDERS, "zidimail"}
    missing = {}
    for path in sources():
        if relative(path) in RUN_ELSEWHERE:
            continue
        required = to_run if relative(path).startswith(("server", "edge")) else to_develop
        foreign = imported(path) - ours
        missing[relative(path)] = {
            name
            for name in foreign
            if not required & {normal(provider) for provider in providers.get(name, [])}
        }
    assert not {path: names for path, names in missing.items() if names}


class RecordedEnvironment(dict[str, str]):
    """An environment that records the names that are read."""

    def __init__(self, given: dict[str, str]) -> None:
        super().__init__(given)
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)


def test_the_readme_names_every_setting_and_no_other(tmp_path: Path) -> None:
    env = RecordedEnvironment({"ZIDIMAIL_DATA_DIR": str(tmp_path)})
    server.settings.Settings.from_env(env)
    edge.settings.Settings.from_env(env)
    edge.smtp.settings.Settings.from_env(env)
    named = set(re.findall(r"ZIDIMAIL_[A-Z_]*[A-Z]", (ROOT / "README.md").read_text()))
    assert named - {"ZIDIMAIL_TEST_POSTGRES_URL"} == env.names


def test_the_readme_names_commands_that_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", (ROOT / "README.md").read_text())) <= targets


def test_only_transcoding_reads_raw_asgi_scopes() -> None:
    """The rest of the edge reads requests through Starlette, or the `Exchange` of `edge.transcoding.asgi`."""
    reads = re.compile(r"\bscope(\[|\.(get|pop|setdefault|items|keys|values)\b)|\.scope\b")
    others = [
        path for path in sources() if relative(path).startswith("edge/") and "transcoding" not in path.parts
    ]
    assert not [relative(path) for path in others if reads.search(path.read_text())]
    assert [path for path in sources() if "transcoding" in path.parts and reads.search(path.read_text())]
