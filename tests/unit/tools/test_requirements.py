"""The files of hashes are those of the constraints, and name no index."""

import pytest

from tools.requirements import CONSTRAINTS, PRODUCT, TOOLS, pins, problems, wanted

HASH = "--hash=sha256:" + "0" * 64


@pytest.mark.parametrize(("path", "tools"), [(PRODUCT, False), (TOOLS, True)], ids=["product", "tools"])
def test_every_package_is_pinned_with_hashes(path, tools) -> None:  # type: ignore[no-untyped-def]
    text = path.read_text()
    assert problems(text, wanted(tools=tools), CONSTRAINTS.read_text()) == []
    assert "://" not in text
    assert "index" not in text.replace("rpds", "")


def test_build_backend_is_among_the_hashes() -> None:
    assert "setuptools" in pins(PRODUCT.read_text())


def test_product_needs_no_tools() -> None:
    product, tools = pins(PRODUCT.read_text()), pins(TOOLS.read_text())
    assert product.items() <= tools.items()
    assert not {"pytest", "mypy", "ruff", "grpcio-tools"} & product.keys()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"a==1 \\\n    {HASH}\n", "b has no pin"),
        (f"a==2 \\\n    {HASH}\nb==1 \\\n    {HASH}\n", "a is pinned to 2"),
        (f"a==1\nb==1 \\\n    {HASH}\n", "a has no hash"),
    ],
)
def test_stale_file_is_reported(text: str, problem: str) -> None:
    (found,) = problems(text, ["a", "b>=1"], "a==1\nb==1\n")
    assert found.startswith(problem)
