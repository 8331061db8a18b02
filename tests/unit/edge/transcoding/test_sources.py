"""The sources of the contract, in one archive."""

import subprocess
import sys
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

from edge.transcoding.sources import archive_of
from tools.generate import PROTOS

ARCHIVE = ZipFile(BytesIO(archive_of("zidimail.v1")))


def test_the_archive_holds_every_source_of_the_contract_as_it_is() -> None:
    ours = {name: ARCHIVE.read(name) for name in ARCHIVE.namelist() if name.startswith("zidimail/")}
    assert ours == {str(path.relative_to(PROTOS)): path.read_bytes() for path in PROTOS.rglob("*.proto")}


def test_the_archive_has_the_same_bytes_on_every_machine() -> None:
    """Neither a clock, nor the order of a folder, nor a compressor is in it."""
    assert ARCHIVE.namelist() == sorted(ARCHIVE.namelist())
    for entry in ARCHIVE.infolist():
        assert (entry.date_time, entry.compress_type) == ((1980, 1, 1, 0, 0, 0), ZIP_STORED)
        assert entry.external_attr == 0o644 << 16


def test_the_archive_compiles_alone(tmp_path: Path) -> None:
    ARCHIVE.extractall(tmp_path)
    protoc = Path(sys.executable).with_name("protoc")
    done = subprocess.run(
        [protoc, "-I", ".", "--java_out=.", *ARCHIVE.namelist()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "com/zidimail/v1/EmailServiceProto.java").is_file()
    assert (tmp_path / "com/google/rpc/ErrorInfo.java").is_file()
