"""Services start in order, stop in reverse, and no failure leaves one running."""

import pytest

from server.work.service import Service, running


class Noted:
    """A service that notes what happens to it; it fails where its name says so."""

    def __init__(self, name: str, notes: list[str]) -> None:
        self._name = name
        self._notes = notes

    async def start(self) -> None:
        self._notes.append(f"start {self._name}")
        if self._name == "cannot-start":
            raise RuntimeError(self._name)

    async def stop(self) -> None:
        self._notes.append(f"stop {self._name}")
        if self._name == "cannot-stop":
            raise RuntimeError(self._name)


def services(notes: list[str], *names: str) -> list[Service]:
    return [Noted(name, notes) for name in names]


async def test_services_stop_in_the_reverse_of_their_start() -> None:
    notes: list[str] = []
    async with running(services(notes, "a", "b", "c")):
        assert notes == ["start a", "start b", "start c"]
    assert notes[3:] == ["stop c", "stop b", "stop a"]


async def test_failed_start_stops_the_services_started_before() -> None:
    notes: list[str] = []
    with pytest.raises(RuntimeError, match="cannot-start"):
        async with running(services(notes, "a", "b", "cannot-start", "c")):
            pytest.fail("the block must not run")
    assert notes == ["start a", "start b", "start cannot-start", "stop b", "stop a"]


async def test_a_stop_that_fails_does_not_keep_the_others_from_stopping() -> None:
    notes: list[str] = []
    with pytest.raises(RuntimeError, match="cannot-stop"):
        async with running(services(notes, "a", "cannot-stop", "c")):
            pass
    assert notes[3:] == ["stop c", "stop cannot-stop", "stop a"]
