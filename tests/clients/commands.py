"""Commands that install, build and run what clients and gateways need."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

COMMAND_WITHIN_S = 600
OUTPUT_TAIL_CHARACTERS = 4_000


class CommandError(Exception):
    """A command failed; the message holds the command and the end of its output."""


def run(
    *command: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    within: float = COMMAND_WITHIN_S,
) -> str:
    """The standard output of a command; `env` is added to the environment.

    It gets no input, and may take `within` seconds. Raises CommandError.
    """
    shown = " ".join(command)
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=os.environ | (env or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=within,
            check=False,
        )
    except FileNotFoundError as error:
        raise CommandError(f"{error}: `make test-clients` installs what it needs.") from None
    except subprocess.TimeoutExpired as error:
        output = (error.stdout or b"") + (error.stderr or b"")
        raise CommandError(f"{shown} took more than {within} s:\n{_tail(output)}") from None
    if done.returncode:
        raise CommandError(f"{shown} exited with {done.returncode}:\n{_tail(done.stdout + done.stderr)}")
    return done.stdout.decode()


def _tail(output: bytes) -> str:
    return output.decode(errors="replace")[-OUTPUT_TAIL_CHARACTERS:]
