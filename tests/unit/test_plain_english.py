"""Plain English in the code: no private dialect, and sentences that begin with their noun or verb."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Words of a private dialect, in code, comments and texts, also within names such as `test_callers_are_told`.
# A room is a package there, and not free memory: `has_room` is plain.
WORDS = re.compile(
    r"(?<![a-z])(?:so (?:many|much)|told|in hand|somebody|nobody's|crowd|freight|manners|bell|doors?|house"
    r"|rooms|(?:a|the|this|each|every|its|of) room|what is asked|let go of)(?![a-z])",
    re.IGNORECASE,
)
OPENINGS = re.compile(r"(?:What|Whether|How|Which|Where|Those|Who|Whose|So)\b")
# A test is named after its promise, subject first.
TEST_NAMES = re.compile(
    r"def (test_(?:what|whatever|whether|how|which|where|who|whoever|whose|those|so|if)_\w+)"
)
FOLDERS = ("docs", "edge", "server", "tests", "tools")


def words(text: str) -> Iterator[tuple[int, str]]:
    """The line and the text of each use of the words."""
    for number, line in enumerate(text.splitlines(), start=1):
        for found in WORDS.finditer(line.replace("_", " ")):
            yield number, found[0]


def docstrings(text: str) -> Iterator[tuple[int, str]]:
    """The line and the beginning of each docstring, of attributes too, that begins with an opening."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Expr(value=ast.Constant(value=str(docstring))):
                if opening := OPENINGS.match(docstring.lstrip()):
                    yield node.lineno, opening[0]


def comments(text: str) -> Iterator[tuple[int, str]]:
    """The line and the beginning of each comment that begins with an opening."""
    last = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            number, column = token.start
            continues = number == last + 1 and not token.line[:column].strip()
            if not continues and (opening := OPENINGS.match(token.string.lstrip("# "))):
                yield number, opening[0]
            last = number


# Texts that stay, by file: API callers see them, and only a change of the contract may change them.
ALLOWED = {"server/webhooks/rules.py": "is no event type that a webhook can be told of"}


def unclear_test_names(text: str) -> Iterator[tuple[int, str]]:
    """The line and the name of each test whose name does not begin with its subject."""
    for number, line in enumerate(text.splitlines(), start=1):
        if named := TEST_NAMES.search(line):
            yield number, named[1]


RULES = {"words": words, "docstrings": docstrings, "comments": comments, "test names": unclear_test_names}


def source(path: Path) -> str:
    """The text of a file without the one that stays."""
    text = path.read_text()
    allowed = ALLOWED.get(str(path.relative_to(ROOT)))
    return text if allowed is None else text.replace(allowed, "", 1)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("folder", FOLDERS)
def test_code_is_in_plain_english(folder: str, rule: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {text}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path != Path(__file__)
        for number, text in RULES[rule](source(path))
    ]
    assert not found, "say it in plain English:\n" + "\n".join(found)
