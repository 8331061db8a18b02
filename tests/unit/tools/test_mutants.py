"""Faults are put into Python and SQL, drawn by seed, and known again by their content."""

from collections import Counter
from pathlib import Path

from tools.mutants.equivalents import Equivalent, changed_lines, equivalents, reason_of
from tools.mutants.faults import Fault, sample
from tools.mutants.python_faults import python_faults
from tools.mutants.references import References
from tools.mutants.sql_faults import sql_faults
from tools.mutants.trial import chosen, copied, run

ROOT = Path(__file__).resolve().parents[3]
STATEMENT = '''
TAKE = Statement(
    Row,
    """
    SELECT id FROM calls AS c JOIN hooks AS h ON h.org_id = c.org_id AND h.id = c.hook
    WHERE c.org_id = :org_id AND (c.due < :now OR c.first) ORDER BY due LIMIT :limit
    {postgresql: FOR UPDATE SKIP LOCKED}
    """,
)
'''
QUERY = """
def take(tx, org_id):
    query = select(t).where(t.c.org_id == org_id, t.c.id == 1).order_by(t.c.id).limit(3)
    return tx.all(query.with_for_update(skip_locked=True))
"""


def changes(text: str) -> dict[tuple[str, str], str]:
    """The lines taken away and added by each fault in SQL, with its kind."""
    return {changed_lines(text, fault.text()): fault.kind for fault in sql_faults("a.py", text)}


def test_conditions_locks_order_and_limits_of_texts_are_dropped() -> None:
    join = "SELECT id FROM calls AS c JOIN hooks AS h ON h.org_id = c.org_id AND h.id = c.hook"
    where = "WHERE c.org_id = :org_id AND (c.due < :now OR c.first) ORDER BY due LIMIT :limit"
    lock = "{postgresql: FOR UPDATE SKIP LOCKED}"
    assert changes(STATEMENT) == {
        (join, join.replace("h.org_id = c.org_id", "1 = 1")): "org_id",
        (join, join.replace("h.id = c.hook", "1 = 1")): "sql condition",
        (where, where.replace("c.org_id = :org_id", "1 = 1")): "org_id",
        (where, where.replace("(c.due < :now OR c.first)", "1 = 1")): "sql condition",
        (where, where.replace("ORDER BY due ", "")): "sql order",
        (where, where.replace(" LIMIT :limit", "")): "sql limit",
        (lock, ""): "lock",
        (lock, "{postgresql: FOR UPDATE }"): "lock",
    }


def test_conditions_locks_order_and_limits_of_calls_are_dropped() -> None:
    query = "query = select(t).where(t.c.org_id == org_id, t.c.id == 1).order_by(t.c.id).limit(3)"
    lock = "return tx.all(query.with_for_update(skip_locked=True))"
    assert changes(QUERY) == {
        (query, query.replace("t.c.org_id == org_id,", "")): "org_id",
        (query, query.replace("t.c.id == 1", "")): "sql condition",
        (query, query.replace(".order_by(t.c.id)", "")): "sql order",
        (query, query.replace(".limit(3)", "")): "sql limit",
        (lock, "return tx.all(query)"): "lock",
        (lock, "return tx.all(query.with_for_update())"): "lock",
    }


def test_comparisons_and_statements_change_and_annotations_stay() -> None:
    text = "def f(a: int | None) -> int | None:\n    if a < 1:\n        g(a)\n    return a\n"
    found = [changed_lines(text, fault.text()) for fault in python_faults("a.py", text)]
    assert ("if a < 1:", "if a <= 1:") in found
    assert ("if a < 1:", "if not a < 1:") in found
    assert ("if a < 1:", "if a < 2:") in found
    assert ("g(a)", "pass") in found
    assert not [before for before, _ in found if before.startswith("def")]


def test_draw_depends_on_the_seed_alone_and_takes_a_line_again_last() -> None:
    faults = [Fault("a.py", line, kind, str) for line in range(50) for kind in ("x", "y", "z")]
    drawn = sample(faults, 20, 7)
    assert drawn == sample(faults, 20, 7)
    assert drawn != sample(faults, 20, 8)
    assert max(Counter(fault.line for fault in drawn).values()) == 1
    assert len(set(sample(faults, 200, 7))) == 150


def test_statement_of_a_module_counts_by_the_functions_that_use_it(tmp_path: Path) -> None:
    (tmp_path / "store.py").write_text(STATEMENT + "\n\ndef take(tx):\n    return TAKE.all(tx)\n")
    (tmp_path / "loop.py").write_text("from store import TAKE\n\n\ndef again(tx):\n    TAKE.first(tx)\n")
    references = References(tmp_path, ["store.py", "loop.py"])
    assert references.lines("store.py", 6) == {"store.py": {13}, "loop.py": {5}}
    assert references.lines("loop.py", 5) == {"loop.py": {5}}


def test_cheap_tests_named_alike_come_first_and_the_dear_ones_are_left_out() -> None:
    tests = {
        "tests/acceptance/test_a.py::test_all": 50.0,
        "tests/store/test_keys.py::test_b": 3.0,
        "tests/store/test_keys.py::test_a": 2.0,
        "tests/unit/test_other.py::test_c": 1.0,
    }
    assert chosen(tests, "server/keys/store.py", 10.0) == [
        "tests/store/test_keys.py::test_a",
        "tests/store/test_keys.py::test_b",
        "tests/unit/test_other.py::test_c",
    ]


def test_fault_in_a_copy_is_noticed_and_gone_afterwards() -> None:
    text = (ROOT / "server/ids.py").read_text()
    tests = ["tests/unit/server/test_ids.py"]
    with copied(ROOT) as copy:
        broken = Fault("server/ids.py", 1, "DropStatement", lambda: text + "\nraise ValueError\n")
        assert run(copy, broken, tests, 30.0, "") != ""
        assert (copy / "server/ids.py").read_text() == text
        same = Fault("server/ids.py", 1, "Comment", lambda: text + "\n# The end.\n")
        assert run(copy, same, tests, 30.0, "") == ""
    assert not copy.exists()


def test_equivalents_are_known_by_their_content(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("\n\nx = 1\n")
    known = [Equivalent("a.py", "x = 1", "x = 2", "x is not read")]
    assert reason_of(Fault("a.py", 3, "N", lambda: "\n\nx = 2\n"), tmp_path, known) == "x is not read"
    assert reason_of(Fault("a.py", 3, "N", lambda: "\n\nx = 3\n"), tmp_path, known) is None


def test_equivalents_are_faults_of_the_product() -> None:
    known = equivalents()
    possible: dict[str, set[tuple[str, str]]] = {}
    for path in {one.path for one in known}:
        text = (ROOT / path).read_text()
        possible[path] = {
            changed_lines(text, fault.text())
            for of in (sql_faults, python_faults)
            for fault in of(path, text)
        }
    assert [one for one in known if (one.before, one.after) not in possible[one.path]] == []
