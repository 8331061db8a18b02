"""Units: the parts into which the organisations of a store are divided.

What is ordered or counted in one row for many organisations has such a row for each unit, so that those of
one unit alone wait for each other. An organisation stays in its unit. SQLite, whose writes come one after the
other anyway, has one unit.
"""

from server.db.tx import Engine

# The units of PostgreSQL: one for each last digit of an id, which is random.
COUNT = 16


def unit_of(engine: Engine, org_id: str) -> int:
    """The unit of an organisation, from 0 on."""
    return 0 if engine == "sqlite" else int(org_id[-1], COUNT)
