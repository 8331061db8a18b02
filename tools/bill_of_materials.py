"""Shows what the product is made of: a list of licences, and with `wheel` a wheel and its SBOM in dist/."""

import subprocess
import sys
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from tools.requirements import PRODUCT, REPOSITORY, pins, programs

_SBOM_MAKER = "cyclonedx-bom==7.5.0"
_DIST = REPOSITORY / "dist"
_CLASSIFIER = "License :: "


def licence_of(package: Distribution) -> str:
    """The licence that a package declares: its SPDX expression, else its classifiers, else its own words."""
    declared = package.metadata
    if expression := declared.get("License-Expression"):
        return expression
    classifiers = [
        name.rpartition(" :: ")[2]
        for name in declared.get_all("Classifier") or ()
        if name.startswith(_CLASSIFIER)
    ]
    text = (declared.get("License") or "").strip().partition("\n")[0]
    return " AND ".join(classifiers) or text or "not declared"


def licences() -> list[tuple[str, str, str]]:
    """Name, version and licence of each package that the product needs and that is installed here."""
    rows = []
    for name, version in sorted(pins(PRODUCT.read_text()).items()):
        try:
            rows.append((name, version, licence_of(distribution(name))))
        except PackageNotFoundError:
            # A package of another operating system or another Python.
            rows.append((name, version, "not installed here"))
    return rows


def _build() -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", _DIST, REPOSITORY],
        check=True,
    )
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    file = _DIST / f"{project['name']}-{project['version']}.cdx.json"
    with programs(_SBOM_MAKER) as found:
        subprocess.run(
            [
                *(
                    found / "cyclonedx-py",
                    "requirements",
                    PRODUCT,
                    "--pyproject",
                    REPOSITORY / "pyproject.toml",
                ),
                *("--output-format", "JSON", "--output-reproducible", "--output-file", file),
            ],
            check=True,
        )
    print(f"dist/ holds the wheel and {file.name}.")


def main() -> None:
    """Prints the licences, or builds the wheel and its SBOM."""
    if sys.argv[1:] == ["wheel"]:
        _build()
        return
    for name, version, licence in licences():
        print(f"{name:<28} {version:<14} {licence}")


if __name__ == "__main__":
    main()
