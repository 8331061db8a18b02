"""What an API key may be called (contract row Z-35)."""

import pytest

from server.faults import ValidationFailed
from server.keys.rules import check_name


@pytest.mark.parametrize("name", ["x", "x" * 100, "Prüfung 🔑", "é" * 100])
def test_a_name_has_1_to_100_characters(name: str) -> None:
    assert check_name(f"  {name} ") == name


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "a\x00b", "a\r\nb", "a\x7fb", "a\x85b"])
def test_another_name_is_refused(name: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        check_name(name)
    assert [violation.field for violation in refused.value.violations] == ["name"]
