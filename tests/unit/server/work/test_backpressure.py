"""Background loops pause under high load, keep their share of the time, and report their pauses."""

import pytest
from prometheus_client import REGISTRY

from server.work.backpressure import (
    HIGH_LOAD,
    LINGER_S,
    MAX_PAUSE_S,
    AcceptLoad,
    Backpressure,
    Pacer,
)


class Time:
    """A monotonic clock that only sleeping and working move."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept = 0.0

    def monotonic(self) -> float:
        return self.now

    def work(self, seconds: float) -> None:
        self.now += seconds

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds


class Loop:
    """A loop with a pacer, on a process whose load is high unless `idle`."""

    def __init__(self, name: str, share: float = 0.5, *, idle: bool = False) -> None:
        self.time = Time()
        self.load = AcceptLoad(self.time.monotonic)
        self.idle = idle
        self.name = name
        self.pacer = Pacer(
            name,
            Backpressure(self.load, share),
            gather_s=0.01,
            high_gather_s=0.1,
            monotonic=self.time.monotonic,
            sleep=self.time.sleep,
        )

    async def pause_after(self, worked_s: float, *, is_behind: bool = True) -> float:
        """The pause after a step that took `worked_s` seconds."""

        async def step() -> bool:
            self.time.work(worked_s)
            self._accept()
            return is_behind

        before = self.time.slept
        assert await self.pacer.run(step) is is_behind
        return self.time.slept - before

    async def gather(self) -> float:
        """The time for which the loop waits after it has caught up."""
        self._accept()
        before = self.time.slept
        await self.pacer.gather()
        return self.time.slept - before

    @property
    def paused_s(self) -> float:
        """The metric."""
        sample = REGISTRY.get_sample_value("zidimail_background_paused_seconds_total", {"loop": self.name})
        assert sample is not None
        return sample

    def _accept(self) -> None:
        if not self.idle:
            self.load.record(HIGH_LOAD)


def test_the_load_is_high_for_a_moment_after_many_emails_were_accepted_together() -> None:
    time = Time()
    load = AcceptLoad(time.monotonic)
    load.record(HIGH_LOAD - 1)
    assert not load.is_high
    load.record(HIGH_LOAD)
    time.work(LINGER_S * 0.9)
    assert load.is_high
    time.work(LINGER_S * 0.2)
    assert not load.is_high


@pytest.mark.parametrize(
    ("share", "pause_s"), [(1.0, 0.0), (0.5, 0.01), (0.25, 0.03), (0.1, 0.09), (0.05, 0.19)]
)
async def test_under_high_load_the_pause_is_proportional_to_the_work(share: float, pause_s: float) -> None:
    loop = Loop(f"proportional {share}", share)
    assert await loop.pause_after(0.01) == pytest.approx(pause_s)
    assert await loop.pause_after(0.005) == pytest.approx(pause_s / 2)


async def test_no_pause_is_longer_than_the_bound() -> None:
    assert await Loop("bounded", 0.05).pause_after(60.0) == pytest.approx(MAX_PAUSE_S)


async def test_loop_with_a_backlog_does_not_pause_without_high_load() -> None:
    assert await Loop("idle", 0.05, idle=True).pause_after(0.01) == 0.0


async def test_a_loop_that_has_caught_up_gathers_work_for_longer_under_high_load() -> None:
    loop = Loop("gathers")
    assert await loop.pause_after(0.01, is_behind=False) == 0.0
    assert await loop.gather() == pytest.approx(0.1)
    assert await Loop("gathers when idle", idle=True).gather() == pytest.approx(0.01)


@pytest.mark.parametrize("share", [0.05, 0.25, 0.5, 1.0])
@pytest.mark.parametrize("worked_s", [0.0005, 0.004, 0.1, 2.0])
async def test_a_backlog_is_worked_off_at_the_share_or_faster_under_lasting_load(
    share: float, worked_s: float
) -> None:
    loop = Loop(f"progress {share} {worked_s}", share)
    began, steps = loop.time.now, 200
    for _ in range(steps):
        await loop.pause_after(worked_s)
    assert steps * worked_s >= share * (loop.time.now - began) * 0.999


async def test_the_metric_counts_pauses_of_high_load_only() -> None:
    busy, idle = Loop("counted"), Loop("not counted", idle=True)
    await busy.pause_after(0.02)
    await busy.gather()
    await idle.pause_after(0.02)
    await idle.gather()
    assert (busy.paused_s, idle.paused_s) == (pytest.approx(0.12), 0.0)
