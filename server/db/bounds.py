"""The times that nothing may take longer than on a connection to PostgreSQL, so that nobody waits for ever.

A process that stands still, or whose network went silent, holds locks: the database ends its transaction. A
database that went silent holds our threads: the watchdog (`server.db.watchdog`) cuts the connection.
"""

from dataclasses import dataclass

# Sets what this version of PostgreSQL knows, for the session.
SET = (
    "SELECT set_config(given.name, given.setting, false)"
    " FROM unnest(%(names)s::text[], %(settings)s::text[]) AS given (name, setting)"
    " JOIN pg_settings USING (name)"
)
# The database notices within seconds that its client is gone: by its probes, by what it sent and nobody
# acknowledged (milliseconds), and while a statement runs by looking at the socket (milliseconds).
_PEER = {
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "3",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10000",
    "client_connection_check_interval": "2000",
}
# The client does so too.
_CONNECT: dict[str, str | int] = {
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
CONNECT_S = 3


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits of one kind of connection, in seconds, and the name by which the database shows it.

    `idle_s` is between two statements of a transaction, `lock_s` for a lock, `statement_s` for a statement,
    `transaction_s` for the whole.
    """

    application: str
    idle_s: float
    lock_s: float
    statement_s: float
    transaction_s: float

    @property
    def connect_args(self) -> dict[str, str | int]:
        """The arguments of psycopg's `connect`."""
        return {**_CONNECT, "connect_timeout": CONNECT_S, "application_name": self.application}

    @property
    def parameters(self) -> dict[str, list[str]]:
        """The parameters of `SET`."""
        settings = {
            "idle_in_transaction_session_timeout": f"{self.idle_s:g}s",
            "lock_timeout": f"{self.lock_s:g}s",
            "statement_timeout": f"{self.statement_s:g}s",
            **_PEER,
        }
        return {"names": list(settings), "settings": list(settings.values())}


WRITING = Bounds("zidimail-writer", idle_s=5, lock_s=5, statement_s=15, transaction_s=15)
# A reader holds no lock that others wait for, and may have to make much of what it read.
READING = Bounds("zidimail-reader", idle_s=15, lock_s=5, statement_s=30, transaction_s=30)
# Commands run beside servers, and some of them change much at once.
COMMANDING = Bounds("zidimail-command", idle_s=60, lock_s=60, statement_s=600, transaction_s=900)
