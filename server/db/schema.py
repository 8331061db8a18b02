"""Every table, for migrations and for tests that look at all of them."""

from server.db.tables import (
    account_health,
    accounts,
    billing,
    contacts,
    domains,
    emails,
    events,
    installation,
    keys,
    operators,
    privacy,
    queue,
    quotas,
    retention,
    stats,
    suppressions,
    webhooks,
)
from server.db.tables.metadata import metadata

# Importing a module adds its tables to the metadata.
MODULES = (
    account_health,
    accounts,
    billing,
    contacts,
    domains,
    emails,
    events,
    installation,
    keys,
    operators,
    privacy,
    queue,
    quotas,
    retention,
    stats,
    suppressions,
    webhooks,
)

__all__ = ["MODULES", "metadata"]
