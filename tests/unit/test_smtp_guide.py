"""The set-ups of docs/smtp.md are those that `make test-clients` runs, for `make run`."""

import re
from pathlib import Path

import pytest

from tests.harness.stack import ROOT

GUIDE = (ROOT / "docs" / "smtp.md").read_text()
PRINTED = ROOT / "tests" / "clients" / "smtp" / "printed"
HERE = {
    "smtp.zidimails.com": "127.0.0.1",
    "you@yourdomain.com": "you@example.com",
    "recipient@example.com": "recipient@example.net",
}


@pytest.mark.parametrize("path", sorted(PRINTED.iterdir()), ids=lambda path: path.stem)
def test_set_up_in_the_guide_is_the_one_that_is_run(path: Path) -> None:
    """Z-58."""
    text = path.read_text()
    for theirs, ours in HERE.items():
        text = text.replace(theirs, ours)
    assert text in re.findall(r"```\w+\n(.*?)```", GUIDE, re.DOTALL)
