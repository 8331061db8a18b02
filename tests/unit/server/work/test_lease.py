"""A lease counts as held only while no other process can have taken it."""

from server.work.lease import Leases

LEASE_S = 60.0


class Watch:
    """A monotonic clock that the test advances."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_a_heartbeat_extends_what_is_held_and_reports_what_was_taken_away() -> None:
    watch = Watch()
    asked: list[list[tuple[str, int]]] = []

    async def renew(keys: list[tuple[str, int]]) -> list[tuple[str, int]]:
        asked.append(keys)
        return [key for key in keys if key[0] != "taken"]

    leases = Leases("test", renew, LEASE_S, watch)
    leases.hold([("kept", 1), ("taken", 1)], leases.now())
    watch.now += 50
    await leases.beat()
    watch.now += 50
    assert asked == [[("kept", 1), ("taken", 1)]]
    assert leases.holds(("kept", 1))
    assert not leases.holds(("taken", 1))


async def test_a_process_that_was_stopped_too_long_knows_that_its_leases_are_gone() -> None:
    watch = Watch()

    async def renew(keys: list[str]) -> list[str]:
        return keys

    leases = Leases("test", renew, LEASE_S, watch)
    leases.hold(["row"], leases.now())
    assert leases.holds("row")
    watch.now += LEASE_S
    assert not leases.holds("row")


async def test_the_time_it_took_to_claim_counts_against_the_lease() -> None:
    watch = Watch()

    async def renew(keys: list[str]) -> list[str]:
        return keys

    leases = Leases("test", renew, LEASE_S, watch)
    claimed_at = leases.now()
    watch.now += LEASE_S + 1
    leases.hold(["row"], claimed_at)
    assert not leases.holds("row")


async def test_a_settled_row_is_not_renewed_again() -> None:
    asked: list[list[str]] = []

    async def renew(keys: list[str]) -> list[str]:
        asked.append(keys)
        leases.drop(["settled meanwhile"])
        return keys

    leases = Leases("test", renew, LEASE_S, Watch())
    leases.hold(["a", "settled meanwhile"], leases.now())
    leases.drop(["a"])
    await leases.beat()
    assert asked == [["settled meanwhile"]]
    assert not leases.holds("settled meanwhile")
    assert len(leases) == 0
