"""The wheel carries its SBOM, and the list of licences leaves out no package of the product."""

import base64
import csv
import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from tools.bill_of_materials import add_sbom, built_wheel, licences
from tools.requirements import PRODUCT, REPOSITORY, pins


@pytest.mark.timeout(180)
def test_wheel_has_the_sbom_and_records_all_its_files(tmp_path: Path) -> None:
    """PEP 770, and PEP 376 on the RECORD."""
    sbom = tmp_path / "zidimail.cdx.json"
    sbom.write_text(json.dumps({"bomFormat": "CycloneDX"}))
    wheel = built_wheel(tmp_path)
    with zipfile.ZipFile(wheel) as before:
        plain = set(before.namelist())
    add_sbom(wheel, sbom)
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        [record] = [name for name in names if name.endswith(".dist-info/RECORD")]
        [added] = set(names) - plain
        assert added == record.replace("RECORD", "sboms/zidimail.cdx.json")
        assert archive.read(added) == sbom.read_bytes()
        lines = list(csv.reader(archive.read(record).decode().splitlines()))
        assert sorted(name for name, _, _ in lines) == sorted(names)
        for name, digest, size in lines:
            content = archive.read(name)
            if name != record:
                kind, _, value = digest.partition("=")
                found = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
                assert (kind, value, int(size)) == ("sha256", found, len(content)), name
        own = {str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "server").rglob("*.py")}
        assert {name for name in names if name.startswith("server/") and name.endswith(".py")} == own


def test_every_package_of_the_product_has_a_licence() -> None:
    rows = licences()
    assert {name: version for name, version, _ in rows} == pins(PRODUCT.read_text())
    assert [row for row in rows if row[2] in ("", "not declared")] == []
