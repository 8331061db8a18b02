"""Memory that is free between blocks in use goes back to the system."""

from server.work.memory import MemoryReturn, resident
from tests.harness.waiting import until

# Below the size from which a block is a mapping of its own.
BLOCK = 100_000
BLOCKS, KEPT = 2_000, 50


async def test_free_blocks_between_others_in_use_go_back() -> None:
    memory = MemoryReturn(pause_s=0.01)
    await memory.start()
    before = resident()
    blocks = [b"x" * BLOCK for _ in range(BLOCKS)]
    kept = blocks[:: BLOCKS // KEPT]
    blocks.clear()
    await until(lambda: resident() < before + BLOCKS * BLOCK // 4)
    await memory.stop()
    assert len(kept) == KEPT
