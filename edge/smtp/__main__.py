"""`python -m edge.smtp`: serves SMTP until SIGTERM, then ends the open transactions and stops."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys

import structlog
import uvloop

from edge.logs import configure_logs
from edge.process import PRIVATE_UMASK, manage_memory
from edge.smtp.app import App
from edge.smtp.settings import Settings

# Files that are open beside the connections: sockets of the server's channel, and messages on disk.
OTHER_FILES = 1024

_log = structlog.get_logger("edge")


def main() -> int:
    """The program's exit code."""
    lines = configure_logs()
    try:
        settings = Settings.from_env()
        if settings.sends_in_clear:
            _log.warning(
                "keys and mail go to the server in clear: set ZIDIMAIL_SERVER_CA", server=settings.server
            )
        os.umask(PRIVATE_UMASK)
        _allow_files(settings.connections + OTHER_FILES)
        manage_memory()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings))
    except ValueError as error:
        print(f"zidimail: {error}.", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"zidimail: ZIDIMAIL_SMTP_LISTEN or ZIDIMAIL_SMTPS_LISTEN: {error}.", file=sys.stderr)
        return 1
    finally:
        if lines is not None:
            lines.flush()
    return 0


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await App(settings).serve(stop)


def _allow_files(count: int) -> None:
    """Raises the soft limit of open files, as far as the hard one lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))


if __name__ == "__main__":
    sys.exit(main())
