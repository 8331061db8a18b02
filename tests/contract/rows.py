"""The matrix itself, written from the documents: a row for each method. A method without one fails.

`kinds` is who may call: K an API key, J a session (the Auth column of the documents). `permission` is what
a key needs besides. `fields` makes a good request of organisation A's; `points_to` makes, for every field
that can point at somebody's data, a value of A's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.contract.world import Fields, World

K, J, KJ = "K", "J", "KJ"


@dataclass(frozen=True, slots=True)
class Row:
    """Who may call one method, and with what."""

    document: str
    kinds: str
    permission: str
    fields: Callable[[World], Fields] = lambda world: {}
    points_to: Mapping[str, Callable[[World], str]] = field(default_factory=dict)
    rest: Mapping[str, Any] = field(default_factory=dict)
    created: bool = False


ROWS: dict[str, Row] = {
    "EmailService.SendEmail": Row("Z-11", K, "send_only", lambda world: world.email()),
    "EmailService.BatchSendEmails": Row(
        "Z-26", K, "send_only", lambda world: {"emails": [world.email()] * 2}
    ),
    "EmailService.GetEmail": Row(
        "Z-28", KJ, "read_only", lambda world: {"id": world.email_id}, {"id": lambda world: world.email_id}
    ),
    "EmailService.ListEmails": Row(
        "Z-27",
        KJ,
        "read_only",
        points_to={"after": lambda world: world.email_id, "before": lambda world: world.email_id},
    ),
    "DomainService.CreateDomain": Row(
        "Z-30",
        KJ,
        "full",
        lambda world: {"domain": f"new-{world.number()}.example.com"},
        created=True,
    ),
    "DomainService.GetDomain": Row(
        "Z-32",
        KJ,
        "read_only",
        lambda world: {"id": world.a.domain_id},
        {"id": lambda world: world.a.domain_id},
    ),
    "DomainService.ListDomains": Row("Z-31", KJ, "read_only"),
    "DomainService.VerifyDomain": Row(
        "Z-33", KJ, "full", lambda world: {"id": world.new_domain()}, {"id": lambda world: world.a.domain_id}
    ),
    "DomainService.DeleteDomain": Row(
        "Z-34", KJ, "full", lambda world: {"id": world.new_domain()}, {"id": lambda world: world.new_domain()}
    ),
    "ApiKeyService.CreateApiKey": Row("Z-35", J, "full", lambda world: {"name": "new"}, created=True),
    "ApiKeyService.ListApiKeys": Row("Z-36", KJ, "read_only"),
    "ApiKeyService.DeleteApiKey": Row(
        "Z-37",
        J,
        "full",
        lambda world: {"id": world.new_key("PERMISSION_FULL")[0]},
        {"id": lambda world: world.a.key_id},
    ),
    "WebhookService.CreateWebhook": Row(
        "Z-38",
        KJ,
        "full",
        lambda world: world.webhook(),
        rest={"events": ["email.bounced"]},
        created=True,
    ),
    "WebhookService.ListWebhooks": Row("Z-39", KJ, "read_only"),
    "WebhookService.DeleteWebhook": Row(
        "Z-40",
        KJ,
        "full",
        lambda world: {"id": world.new_webhook()},
        {"id": lambda world: world.new_webhook()},
    ),
    "EventService.ListEvents": Row(
        "F-8",
        KJ,
        "read_only",
        points_to={"email_id": lambda world: world.email_id, "after": lambda world: world.cursor},
    ),
    "EventService.WatchEvents": Row(
        "F-8", KJ, "read_only", lambda world: {"after": ""}, {"after": lambda world: world.cursor}
    ),
}
