"""Tests that cannot fail, or do not run, are found."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
Function = ast.FunctionDef | ast.AsyncFunctionDef
# They assert by classes: golden files, state machines whose rules and ends assert, and one of refusals.
CHECKS = {"check", "check_same", "explore", "assert_refused"}
# Their promise is that nothing is raised, beside tests of what is.
RAISES_NOTHING = {
    "test_a_resolver_may_have_a_port_or_be_the_systems": "others have no SettingsError",
    "test_code_may_be_one_step_early_or_late": "codes of other times are refused beside it",
    "test_every_example_matches_its_schema": "validate raises what does not match",
    "test_largest_lists_pass": "longer ones are refused beside it",
}


def files() -> Iterator[tuple[Path, ast.Module]]:
    """Every file of tests, parsed."""
    for path in sorted((ROOT / "tests").rglob("*.py")):
        yield path, ast.parse(path.read_text())


def functions(tree: ast.AST) -> list[Function]:
    """The functions and methods of a file."""
    return [node for node in ast.walk(tree) if isinstance(node, Function)]


def asserts(function: Function) -> bool:
    """True if a function itself asserts."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Raise) and "AssertionError" in ast.dump(node):
            return True
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("pytest.raises", "pytest.fail"):
            return True
    return False


def calls(function: Function) -> set[str]:
    """The names of the functions that a function calls, and of the methods among `CHECKS`."""
    called = [node.func for node in ast.walk(function) if isinstance(node, ast.Call)]
    methods = {node.attr for node in called if isinstance(node, ast.Attribute)}
    return {node.id for node in called if isinstance(node, ast.Name)} | (methods & CHECKS)


def asserting(tree: ast.Module, helpers: set[str]) -> set[str]:
    """The functions of a file that assert, themselves or by others that do."""
    found = {function.name for function in functions(tree) if asserts(function)}
    called = [(function.name, calls(function)) for function in functions(tree)]
    while more := {name for name, names in called if names & (found | helpers)} - found:
        found |= more
    return found


def without_assertion(trees: list[tuple[str, ast.Module]]) -> list[str]:
    """The tests that assert nothing: neither themselves nor by a function of theirs or of another file."""
    helpers = CHECKS | {it.name for _, tree in trees for it in functions(tree) if asserts(it)}
    found = []
    for name, tree in trees:
        if Path(name).name.startswith("test_"):
            tests = [it.name for it in functions(tree) if it.name.startswith("test_")]
            sound = asserting(tree, helpers)
            found += [f"{name}: {test}" for test in tests if test not in sound]
    return found


def test_every_test_asserts() -> None:
    found = without_assertion([(str(path.relative_to(ROOT)), tree) for path, tree in files()])
    names = {line.partition(": ")[2] for line in found}
    assert not [line for line in found if line.partition(": ")[2] not in RAISES_NOTHING], "they cannot fail"
    assert not RAISES_NOTHING.keys() - names, "they assert now: remove the entries"


@pytest.mark.parametrize(
    ("body", "is_found"),
    [
        ("server.send('a')", True),
        ("helper()", True),
        ("assert server.send('a')", False),
        ("with pytest.raises(ValueError): server.send('a')", False),
        ("raise AssertionError('no answer')", False),
        ("asserting_helper()", False),
        ("by_another()", False),
        ("golden.check('name', server.send('a'))", False),
        ("server.get('a')", True),
    ],
)
def test_a_test_without_assertion_is_found(body: str, is_found: bool) -> None:
    source = f"""
def helper(): return 1
def get(): assert server
def asserting_helper(): assert helper()
def by_another(): asserting_helper()
def test_it():
    {body}
"""
    assert bool(without_assertion([("tests/test_it.py", ast.parse(source))])) is is_found


SKIPS = """
import pytest

@pytest.fixture
def missing():
    pytest.skip("no compiler here")

def test_by_a_fixture(missing): assert missing
@pytest.mark.skip(reason="no compiler here")
def test_by_a_mark(): assert missing
def test_by_itself(): pytest.skip("no compiler here")
"""


MODULE = """
import pytest

pytest.skip("no compiler here", allow_module_level=True)
"""


@pytest.mark.parametrize("ci", ["", "true"])
@pytest.mark.parametrize(
    ("source", "skipped", "failed"),
    [(SKIPS, "3 skipped", "1 failed, 2 errors"), (MODULE, "1 skipped", "1 error")],
)
def test_skip_says_why_and_fails_where_everything_must_run(
    tmp_path: Path, source: str, skipped: str, failed: str, ci: str
) -> None:
    (tmp_path / "test_skips.py").write_text(source)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.harness.skips", "-ra", "--rootdir", tmp_path, tmp_path],
        env=os.environ | {"CI": ci},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (failed if ci else skipped) in done.stdout
    assert "no compiler here" in done.stdout
    assert (done.returncode == 0 or "1 skipped" in done.stdout) is (not ci)
