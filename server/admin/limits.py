"""The limits of organisations and plans: the names of the contract, and the columns of the store."""

from collections.abc import Iterable, Mapping

from zidimail.v1 import admin_pb2

from server.faults import ValidationFailed, Violation

# Recipients a day and a month, different ones a month, emails a second, and what may be owned (C-88, Z-48).
COLUMNS: Mapping[str, str] = {
    "daily": "daily_limit",
    "monthly": "monthly_limit",
    "unique_recipients": "unique_limit",
    "burst_per_second": "burst_limit",
    "webhooks": "webhook_limit",
    "api_keys": "key_limit",
    "domains": "domain_limit",
    "scheduled_emails": "scheduled_limit",
    "scheduled_bytes": "scheduled_bytes_limit",
    "test_emails": "test_limit",
    "contacts": "contact_limit",
    "contact_import_rows": "contact_import_limit",
    "contact_lists": "contact_list_limit",
}


def limits_message(row: object) -> admin_pb2.AccountLimits:
    """The limits of a row of the store, which has the columns as fields."""
    return admin_pb2.AccountLimits(**{name: getattr(row, column) for name, column in COLUMNS.items()})


def limit_changes(limits: admin_pb2.AccountLimits, unset: Iterable[str]) -> dict[str, object]:
    """The columns to change: those of the limits that were given, and null for those of `unset`.

    Raises `ValidationFailed` for a limit below 0, an unknown name, and a name that is given and unset.
    """
    changes: dict[str, object] = {COLUMNS[field.name]: value for field, value in limits.ListFields()}
    violations = [
        Violation(f"limits.{field.name}", "must be 0 or more")
        for field, value in limits.ListFields()
        if value < 0
    ]
    for position, name in enumerate(unset):
        if name not in COLUMNS:
            violations.append(Violation(f"unset_limits[{position}]", f"must be one of {', '.join(COLUMNS)}"))
        elif COLUMNS[name] in changes and changes[COLUMNS[name]] is not None:
            violations.append(Violation(f"unset_limits[{position}]", "is also among the limits to be set"))
        else:
            changes[COLUMNS[name]] = None
    if violations:
        raise ValidationFailed(violations)
    return changes
