"""Memory that is measured without the collector."""

import gc
import tracemalloc
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs


@pytest.fixture
def uncollected() -> Iterator[None]:
    """No collector: what refers to itself stays for ever. The lines of the log are not measured."""
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        with capture_logs():
            yield
    finally:
        tracemalloc.stop()
        gc.enable()
