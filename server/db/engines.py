"""The one maker of engines: none of them lets what it stores into the text of an error.

An error's text ends in logs and on terminals. SQLAlchemy would write the parameters of the statement into it,
and PostgreSQL writes the row that failed: the value of a key (DETAIL), the row of a COPY (CONTEXT), and some
values even into its first line.
"""

from typing import Any

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.pool import NullPool

# SQLSTATEs whose first line quotes values or the statement: data exceptions and syntax errors.
_QUOTING = ("22", "42601")


def engine_of(url: URL | str, **options: Any) -> Engine:
    """An engine without a pool. Its other options are SQLAlchemy's, which is why they are `Any`."""
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True, **options)
    event.listen(engine, "handle_error", _redact_context)
    return engine


def redact(error: BaseException | None) -> None:
    """Takes what PostgreSQL quotes out of the text of a driver's error; its SQLSTATE and the names stay."""
    state = getattr(error, "sqlstate", None)
    if error is None or state is None:
        return
    text = type(error).__name__ if state.startswith(_QUOTING) else str(error).partition("\n")[0]
    names = getattr(error, "diag", None)
    where = [getattr(names, name, None) for name in ("table_name", "column_name", "constraint_name")]
    error.args = (" ".join([f"{text} (SQLSTATE {state})", *(name for name in where if name)]),)


def _redact_context(context: ExceptionContext) -> None:
    wrapped, cause = context.sqlalchemy_exception, context.original_exception
    redact(cause)
    if wrapped is not None:
        wrapped.args = (f"({type(cause).__module__}.{type(cause).__name__}) {cause}",)
