"""The folder that tests write to."""

import shutil
from pathlib import Path

import pytest

from tests.harness import memory_disk

MEMINFO = """MemTotal:       16384000 kB
MemFree:         1000000 kB
MemAvailable:    {kilobytes} kB
HugePages_Total:       0
"""
ENOUGH_KB = memory_disk.MEMORY_NEEDED_BYTES // 1024


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose shared memory is `tmp_path`, as large as the need."""
    monkeypatch.setattr(memory_disk, "SHARED_MEMORY", tmp_path)
    monkeypatch.setattr(memory_disk, "DISK_NEEDED_BYTES", shutil.disk_usage(tmp_path).free // 2)
    monkeypatch.setattr(memory_disk, "MEMINFO", tmp_path / "meminfo")
    return tmp_path


@pytest.mark.parametrize(("kilobytes", "in_memory"), [(ENOUGH_KB, True), (ENOUGH_KB - 1, False)])
def test_memory_is_used_only_if_programs_still_have_enough(
    machine: Path, kilobytes: int, in_memory: bool
) -> None:
    (machine / "meminfo").write_text(MEMINFO.format(kilobytes=kilobytes))
    assert memory_disk.memory_disk() == (machine if in_memory else None)


def test_small_shared_memory_is_not_used(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (machine / "meminfo").write_text(MEMINFO.format(kilobytes=ENOUGH_KB))
    monkeypatch.setattr(memory_disk, "DISK_NEEDED_BYTES", shutil.disk_usage(machine).total + 1)
    assert memory_disk.memory_disk() is None


def test_machine_without_shared_memory_uses_its_disk(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (machine / "meminfo").write_text(MEMINFO.format(kilobytes=ENOUGH_KB))
    monkeypatch.setattr(memory_disk, "SHARED_MEMORY", machine / "missing")
    assert memory_disk.memory_disk() is None
