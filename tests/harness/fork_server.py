"""A process that has imported a program of the product, and becomes it in a fork for each start.

`tests.harness.programs` starts `python -m tests.harness.fork_server DESCRIPTOR MODULE …`, and writes its
requests to the socket DESCRIPTOR. MODULE is the package of the program; the others are imported beside it.
"""

import gc
import importlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from multiprocessing.connection import Connection


@dataclass(frozen=True, slots=True)
class Start:
    """A request to start the program: the answer is the process id.

    `output` and `errors` are files that the program appends to.
    """

    arguments: Sequence[str]
    env: Mapping[str, str]
    output: str
    errors: str


def main() -> int:
    """The exit code of the program in a fork, else 0 when nobody has requests any more."""
    descriptor, module, *others = sys.argv[1:]
    program = importlib.import_module(f"{module}.__main__")
    for name in others:
        importlib.import_module(name)
    gc.freeze()
    # A terminal's Ctrl-C reaches the programs as well, whose exit codes are still asked for.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Connection(int(descriptor)) as connection:
        start = _serve(connection)
    if start is None:
        return 0
    _take_place(start)
    with _quick_passwords() if module == "server" else nullcontext():
        exit_code: int = program.main()
    return exit_code


def _serve(connection: Connection) -> Start | None:
    """Answers requests; returns in each fork, with its request, and without one when there are no more.

    A process id asks for an exit code: negative for a signal, None while the process runs.
    """
    while True:
        try:
            request: Start | int = connection.recv()
        except EOFError:
            return None
        if isinstance(request, int):
            ended, status = os.waitpid(request, os.WNOHANG)
            connection.send(os.waitstatus_to_exitcode(status) if ended else None)
            continue
        pid = os.fork()
        if pid == 0:
            return request
        connection.send(pid)


def _quick_passwords() -> AbstractContextManager[None]:
    # Imported here: the other programs know nothing of the server.
    from tests.harness.passwords import quick_passwords

    return quick_passwords()


def _take_place(start: Start) -> None:
    """Gives this fork what the program would be started with."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for descriptor, path in enumerate((start.output, start.errors), start=1):
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.dup2(file, descriptor)
        os.close(file)
    sys.argv[1:] = start.arguments
    os.environ.clear()
    os.environ.update(start.env)
    # The one module that reads the environment as it is imported.
    if "server.failpoints" in sys.modules:
        importlib.reload(sys.modules["server.failpoints"])


if __name__ == "__main__":
    sys.exit(main())
