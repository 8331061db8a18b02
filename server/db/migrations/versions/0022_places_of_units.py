"""Places of the log in units, which outlive the engine that gave them."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_UNITS = 16


def upgrade() -> None:
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    for table, old, new in (
        ("events", "tx", "stamp"),
        ("log_readers", "tx", "stamp"),
        ("webhooks", "since_tx", "since_stamp"),
        ("erasures", "mark_tx", "mark_stamp"),
    ):
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    op.drop_index("ix_events_place", "events")
    op.add_column("events", sa.Column("unit", sa.SmallInteger(), nullable=False, server_default="0"))
    if on_postgresql:
        op.execute("UPDATE events SET unit = CAST(CAST('x' || right(org_id, 1) AS bit(4)) AS int)")
        op.alter_column("events", "unit", server_default=None)
        op.execute("DROP SEQUENCE events_seq")
    op.create_index("ix_events_place", "events", ["unit", "stamp", "seq"])

    op.create_table(
        "log_heads",
        sa.Column("unit", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("stamp", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("unit", name=op.f("pk_log_heads")),
    )
    for unit in range(_UNITS if on_postgresql else 1):
        newest = f"FROM events WHERE unit = {unit} ORDER BY stamp DESC, seq DESC LIMIT 1"
        op.execute(
            f"INSERT INTO log_heads (unit, stamp, seq) VALUES ({unit}, "
            f"COALESCE((SELECT stamp {newest}), 0), COALESCE((SELECT seq {newest}), 0))"
        )
    if on_postgresql:
        # Room beside the rows for their next versions: they change with every transaction.
        op.execute("ALTER TABLE log_heads SET (fillfactor = 10, autovacuum_vacuum_scale_factor = 0.01)")

    # The walk that began before this version begins again: its mark is a transaction id.
    op.execute("UPDATE erasures SET phase = 'emails', cursor = '' WHERE phase = 'waiting'")
    op.rename_table("log_readers", "log_readers_before")
    if on_postgresql:
        op.execute("ALTER INDEX pk_log_readers RENAME TO pk_log_readers_before")
    op.create_table(
        "log_readers",
        sa.Column("reader", sa.String(length=32), nullable=False),
        sa.Column("unit", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("stamp", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("reader", "unit", name=op.f("pk_log_readers")),
    )
    op.execute(
        "INSERT INTO log_readers (reader, unit, stamp, seq) "
        "SELECT r.reader, h.unit, r.stamp, r.seq FROM log_readers_before AS r CROSS JOIN log_heads AS h"
    )
    op.drop_table("log_readers_before")


def downgrade() -> None:
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    unread = sa.text(
        "SELECT COUNT(*) FROM log_readers AS r JOIN log_heads AS h ON h.unit = r.unit "
        "WHERE (r.stamp, r.seq) < (h.stamp, h.seq)"
    )
    if op.get_bind().scalar(unread):
        raise RuntimeError("Some events are not read yet. Let the servers run until all are, and try again.")
    # One order again, before every transaction id to come.
    op.execute(
        "UPDATE events SET stamp = -1, seq = n.seq FROM (SELECT org_id, stamp, seq AS old, "
        "ROW_NUMBER() OVER (ORDER BY stamp, unit, seq) AS seq FROM events) AS n "
        "WHERE events.org_id = n.org_id AND events.stamp = n.stamp AND events.seq = n.old"
    )
    op.execute("UPDATE events SET stamp = 0")
    op.drop_index("ix_events_place", "events")
    op.drop_column("events", "unit")
    op.drop_table("log_readers")
    op.drop_table("log_heads")
    op.create_table(
        "log_readers",
        sa.Column("reader", sa.String(length=32), nullable=False),
        sa.Column("tx", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("reader", name=op.f("pk_log_readers")),
    )
    end = "0, COALESCE((SELECT MAX(seq) FROM events), 0)"
    for reader in ("statistics", "webhooks"):
        op.execute(f"INSERT INTO log_readers (reader, tx, seq) SELECT '{reader}', {end}")
    for table, old, new in (
        ("events", "tx", "stamp"),
        ("webhooks", "since_tx", "since_stamp"),
        ("erasures", "mark_tx", "mark_stamp"),
    ):
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {new} TO {old}")
    op.execute(f"UPDATE webhooks SET since_tx = 0, since_seq = {end.partition(', ')[2]}")
    op.execute(
        "UPDATE erasures SET phase = 'emails', cursor = '', mark_tx = 0, mark_seq = 0 "
        "WHERE phase IN ('settling', 'waiting')"
    )
    op.create_index("ix_events_place", "events", ["tx", "seq"])
    if on_postgresql:
        op.execute("CREATE SEQUENCE events_seq")
        op.execute("SELECT setval('events_seq', GREATEST((SELECT MAX(seq) FROM events), 1))")
