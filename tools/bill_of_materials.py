"""Shows what the product is made of: a list of licences, and with `wheel` a wheel and its SBOM in dist/."""

import base64
import hashlib
import os
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

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


def built_wheel(folder: Path) -> Path:
    """The wheel of this repository, made in a folder without the network: by the setuptools of this
    environment, whose hash was checked."""
    options = ("--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation")
    with tempfile.TemporaryDirectory() as scratch:
        # In the repository, files of an earlier build would get into the wheel.
        config = Path(scratch, "build.cfg")
        config.write_text(f"[build]\nbuild_base = {scratch}\n")
        subprocess.run(
            [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", folder, REPOSITORY],
            env=os.environ | {"DIST_EXTRA_CONFIG": str(config)},
            check=True,
        )
    return folder / f"{_release()}-py3-none-any.whl"


def add_sbom(wheel: Path, sbom: Path) -> None:
    """Adds an SBOM to a wheel, where an installation shows it (PEP 770), and to the wheel's RECORD."""
    with zipfile.ZipFile(wheel) as archive:
        files = {entry: archive.read(entry) for entry in archive.infolist()}
    record = f"{_release()}.dist-info/RECORD"
    name, content = f"{_release()}.dist-info/sboms/{sbom.name}", sbom.read_bytes()
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    line = f"{name},sha256={digest},{len(content)}\n"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, data in files.items():
            if entry.filename == record:
                # The RECORD comes last, and its own line is the last one.
                archive.writestr(name, content)
            archive.writestr(entry, line.encode() + data if entry.filename == record else data)


def _release() -> str:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    return f"{project['name']}-{project['version']}"


def _build() -> None:
    wheel = built_wheel(_DIST)
    file = _DIST / f"{_release()}.cdx.json"
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
    add_sbom(wheel, file)
    print(f"dist/ holds the wheel, with its SBOM in it, and {file.name}.")


def main() -> None:
    """Prints the licences, or builds the wheel and its SBOM."""
    if sys.argv[1:] == ["wheel"]:
        _build()
        return
    for name, version, licence in licences():
        print(f"{name:<28} {version:<14} {licence}")


if __name__ == "__main__":
    main()
