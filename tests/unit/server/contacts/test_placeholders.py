"""Placeholders in emails to lists (contract row Z-55)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.contacts.placeholders import NAMES, filled, unknown

VALUES = {"name": "Ada <b>", "first_name": "Ada", "last_name": "", "email": "a@example.org"}


@pytest.mark.parametrize(
    ("text", "plain", "html"),
    [
        ("Dear {{name}},", "Dear Ada <b>,", "Dear Ada &lt;b&gt;,"),
        ("{{ first_name }}{{\tlast_name}}{{email}}", "Adaa@example.org", "Adaa@example.org"),
        ("{{{name}}}", "{Ada <b>}", "{Ada &lt;b&gt;}"),
        ("{name} {{ name } } {{}}", "{name} {{ name } } {{}}", "{name} {{ name } } {{}}"),
        ("{{Name}}", "{{Name}}", "{{Name}}"),
        ("{{\nname}}", "{{\nname}}", "{{\nname}}"),
    ],
)
def test_placeholders_become_their_values(text: str, plain: str, html: str) -> None:
    assert filled(text, VALUES) == plain
    assert filled(text, VALUES, is_html=True) == html


def test_unknown_names_are_found_once_each() -> None:
    assert unknown("{{b}} {{name}} {{ a }} {{b}} {{email}} {{}} {c}") == ["b", "a", ""]


@given(st.text())
def test_values_are_never_read_as_placeholders_or_as_html(value: str) -> None:
    text = filled("<i>{{name}}</i>", dict.fromkeys(NAMES, value), is_html=True)
    inner = text.removeprefix("<i>").removesuffix("</i>")
    assert not set("<>\"'") & set(inner)
    assert filled("{{name}}", dict.fromkeys(NAMES, value)) == value
