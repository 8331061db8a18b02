"""`python -m server`: `serve` (the default), `worker`, or a command on the store."""

import argparse
import json
import logging
import os
import sys

import structlog
import uvloop
from sqlalchemy.exc import OperationalError

from server.commands import account_state, bootstrap, operator, organisation, plan
from server.db.lock import owned
from server.db.migrate import upgrade
from server.db.outage import StoreAway
from server.faults import Fault
from server.private_files import PRIVATE_UMASK
from server.settings import Settings, SettingsError


def main() -> int:
    """The program's exit code."""
    parser = argparse.ArgumentParser(prog="python -m server", description="The ZidiMail server.")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("serve", help="serve gRPC and deliver (the default)")
    commands.add_parser("worker", help="deliver only, beside servers that share a PostgreSQL store")
    commands.add_parser("migrate", help="bring the store's schema up to date")
    bootstrap.add_arguments(
        commands.add_parser("bootstrap", help="make an organisation with its owner and API key")
    )
    organisation.add_arguments(
        commands.add_parser("organisation", help="change an organisation's plan, state, sandbox or limits")
    )
    account_state.add_arguments(
        commands.add_parser("account-state", help="show or change whether an organisation may send or read")
    )
    plan.add_arguments(commands.add_parser("plan", help="show or change what a plan allows"))
    operator.add_arguments(
        commands.add_parser("operator", help="make operators, and tokens of their programs")
    )
    arguments = parser.parse_args()
    _configure_logs()
    os.umask(PRIVATE_UMASK)
    try:
        settings = Settings.from_env()
        with owned(settings, serves=arguments.command in (None, "serve", "worker")):
            return _run(arguments, settings)
    except StoreAway as error:
        print(f"zidimail: the store of ZIDIMAIL_DATABASE_URL cannot be used: {error.detail}", file=sys.stderr)
        return 1
    except (SettingsError, Fault) as error:
        print(f"zidimail: {error}", file=sys.stderr)
        return 1
    except OperationalError as error:
        print(f"zidimail: the store of ZIDIMAIL_DATABASE_URL cannot be used: {error.orig}", file=sys.stderr)
        return 1


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    if arguments.command == "migrate":
        upgrade(settings.database_url)
    elif arguments.command == "bootstrap":
        print(json.dumps(uvloop.run(bootstrap.bootstrap(arguments, settings))))
    elif arguments.command == "organisation":
        print(json.dumps(uvloop.run(organisation.change(arguments, settings))))
    elif arguments.command == "account-state":
        print(json.dumps(uvloop.run(account_state.change(arguments, settings))))
    elif arguments.command == "operator":
        print(json.dumps(uvloop.run(operator.run(arguments, settings))))
    elif arguments.command == "plan":
        print(json.dumps(uvloop.run(plan.change(arguments, settings))))
    else:
        # Imported here: the other commands need neither gRPC nor the engine.
        from server.app import run, server, worker

        if arguments.command == "worker" and settings.is_sqlite:
            raise SettingsError(
                "A worker needs PostgreSQL: SQLite belongs to one process, the server itself."
            )
        uvloop.run(run(settings, worker if arguments.command == "worker" else server))
    return 0


def _configure_logs() -> None:
    # Plain tracebacks on a terminal too: a pretty one shows local variables, with mail and keys in them.
    human = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([] if human else [structlog.processors.format_exc_info]),
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
            if human
            else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
