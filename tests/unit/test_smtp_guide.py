"""The set-ups of docs/smtp.md are those that `make test-clients` runs, for `make run`."""

import ast
import re
from pathlib import Path

import pytest

from tests.harness.stack import ROOT

GUIDE = (ROOT / "docs" / "smtp.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", GUIDE, re.DOTALL)
PRINTED = ROOT / "tests" / "clients" / "smtp" / "printed"
HERE = {
    "smtp.zidimails.com": "127.0.0.1",
    "you@yourdomain.com": "you@example.com",
    "recipient@example.com": "recipient@example.net",
}


def meaning(language: str, text: str) -> str:
    """The text; that of Python without its form, which the repository's formatter sets."""
    return ast.dump(ast.parse(text)) if language == "python" else text


@pytest.mark.parametrize("path", sorted(PRINTED.iterdir()), ids=lambda path: path.stem)
def test_set_up_in_the_guide_is_the_one_that_is_run(path: Path) -> None:
    """Z-58."""
    text = path.read_text()
    for theirs, ours in HERE.items():
        text = text.replace(theirs, ours)
    language = "python" if path.stem in ("django", "smtplib") else "text"
    found = [meaning(tag, block) for tag, block in BLOCKS if (tag == "python") == (language == "python")]
    assert meaning(language, text) in found
