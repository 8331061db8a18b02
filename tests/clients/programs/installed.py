"""The programs, installed, and the environment in which they run."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.clients.manifests import Manifests
from tests.harness.stack import Stack

SOURCES = Path(__file__).parent
INSTALLED = Manifests("programs", SOURCES)


def environment(stack: Stack, home: Path, **more: str) -> dict[str, str]:
    """The environment in which a program finds the platform, and no settings of this machine's user."""
    return os.environ | {
        "RESEND_BASE_URL": f"{stack.http}/v1",
        "RESEND_API_KEY": stack.api_key,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "NODE_PATH": str(INSTALLED.node_modules),
        # They tell nobody that they were used, and ask nobody for newer ones.
        "DO_NOT_TRACK": "1",
        "RESEND_NO_UPDATE_NOTIFIER": "1",
        **more,
    }


@contextmanager
def running(*command: str, env: dict[str, str], **pipes: Any) -> Iterator[subprocess.Popen[str]]:
    """A program while it runs; it is stopped at the end."""
    with subprocess.Popen(command, env=env, stderr=sys.stderr, text=True, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()
