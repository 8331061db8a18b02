"""The journal of final dots tells after a crash which messages may have been sent (RFC 1047)."""

import asyncio
import os
from pathlib import Path

import pytest

from server.delivery.journal import Abandoned, Journal, abandoned
from server.delivery.record import Settlement
from server.ids import new_id
from server.queue.rows import LeaseKey


def key(no: int = 1) -> LeaseKey:
    return LeaseKey("org", "email", no, 7, "owner")


def settled(of: LeaseKey) -> Settlement:
    return Settlement(
        key=of,
        address="ada@receiver.test",
        status="delivered",
        attempts=1,
        due_at=None,
        code=250,
        enhanced="2.0.0",
        text="tâken\nreally",
        host="mx.test",
        uncertain=False,
        possible_duplicate=False,
        alone=True,
    )


def die(journal: Journal) -> None:
    """Lets go of a journal as the death of its process does."""
    os.close(journal._lock)


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*.log"))


def is_empty(folder: Path) -> bool:
    return not any(folder.iterdir())


def left_in(folder: Path) -> Abandoned:
    [found] = abandoned(folder)
    return found


async def test_a_dot_with_its_reply_is_done_and_one_without_is_uncertain(tmp_path: Path) -> None:
    journal = Journal(tmp_path, new_id())
    await asyncio.gather(*(journal.dot([key(no)]) for no in (1, 2, 3)))
    journal.done([settled(key(1))])
    journal.undone([key(3)])
    assert [journal.is_uncertain(key(no)) for no in (1, 2, 3, 4)] == [False, True, False, False]
    die(journal)
    left = left_in(tmp_path)
    assert left.done == {key(1): settled(key(1))}
    assert left.uncertain == {key(2)}


async def test_the_dot_is_on_disk_before_it_may_be_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bytes] = []

    def fdatasync(descriptor: int) -> None:
        synced.append(files(tmp_path)[0].read_bytes())

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    journal = Journal(tmp_path, new_id())
    await journal.dot([key()])
    assert b'"dot"' in synced[-1]


async def test_many_dots_share_a_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs = 0

    def fdatasync(descriptor: int) -> None:
        nonlocal syncs
        syncs += 1

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    journal = Journal(tmp_path, new_id())
    await asyncio.gather(*(journal.dot([key(no)]) for no in range(100)))
    assert syncs <= 2


async def test_no_dot_is_sent_when_the_disk_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fdatasync(descriptor: int) -> None:
        raise OSError("no space left on device")

    journal = Journal(tmp_path, new_id())
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fdatasync)
        with pytest.raises(OSError, match="no space"):
            await journal.dot([key()])
    assert not journal.is_uncertain(key())
    die(journal)
    assert left_in(tmp_path).uncertain == set()


async def test_message_that_crashes_the_engine_is_found(tmp_path: Path) -> None:
    journal = Journal(tmp_path, new_id())
    journal.preparing([key(1), key(2)])
    journal.prepared([key(1), key(2)])
    journal.preparing([key(3)])
    die(journal)
    assert left_in(tmp_path).preparing == {key(3)}


@pytest.mark.parametrize("cut", range(2, 40))
async def test_a_torn_tail_hides_nothing_before_it(tmp_path: Path, cut: int) -> None:
    journal = Journal(tmp_path, new_id())
    await journal.dot([key(1)])
    await journal.dot([key(2)])
    die(journal)
    [file] = files(tmp_path)
    os.truncate(file, file.stat().st_size - cut)
    left = left_in(tmp_path)
    assert left.uncertain == {key(1)}


async def test_a_damaged_line_is_no_record_and_hides_no_other(tmp_path: Path) -> None:
    journal = Journal(tmp_path, new_id())
    for no in (1, 2, 3):
        await journal.dot([key(no)])
    die(journal)
    [file] = files(tmp_path)
    content = file.read_bytes()
    file.write_bytes(content.replace(b'"email",2', b'"email",9'))
    assert left_in(tmp_path).uncertain == {key(1), key(3)}


async def test_journal_of_a_running_engine_is_not_read(tmp_path: Path) -> None:
    journal = Journal(tmp_path, new_id())
    assert list(abandoned(tmp_path)) == []
    await journal.dot([key()])
    die(journal)
    left = left_in(tmp_path)
    assert list(abandoned(tmp_path)) == [], "two must not take over at once"
    left.remove()
    assert is_empty(tmp_path)


async def test_journal_files_are_deleted_once_the_store_has_their_records(tmp_path: Path) -> None:
    journal = Journal(tmp_path, new_id(), segment_bytes=500)
    for no in range(100):
        await journal.dot([key(no)])
        journal.done([settled(key(no))])
        if no != 3:
            journal.committed([key(no)])
    assert len(files(tmp_path)) > 10
    journal.committed([key(3)])
    assert len(files(tmp_path)) == 1
    await journal.close()
    assert is_empty(tmp_path)


async def test_closed_journal_is_kept_while_a_record_is_uncertain(tmp_path: Path) -> None:
    journal = Journal(tmp_path, new_id())
    await journal.dot([key()])
    await journal.close()
    assert left_in(tmp_path).uncertain == {key()}
