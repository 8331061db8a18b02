"""A bounce without a receiver's reply says why, in the API and in webhooks (contract row F-3)."""

from pathlib import Path
from typing import Any

from tests.harness.dns_server import DnsFault, DnsServer
from tests.harness.rest import Rest
from tests.harness.stack import Stack
from tests.harness.waiting import until
from tests.harness.webhook_sink import WebhookSink


async def test_bounce_without_a_reply_has_a_diagnostic(tmp_path: Path, stack_dns: DnsServer) -> None:
    stack_dns.zones[("gone.test", "MX")] = DnsFault.NXDOMAIN
    env = {"ZIDIMAIL_DNS": stack_dns.address, "ZIDIMAIL_HOSTNAME": "mail.sender.test"}
    with Stack(tmp_path, transport="mx", env=env) as stack:
        async with WebhookSink() as sink, Rest(stack.http, stack.api_key) as rest:
            await rest.post("/v1/webhooks", {"url": f"{sink.url}/200", "events": ["email.bounced"]})
            mail = {"from": f"a@{stack.domain}", "to": "b@gone.test", "subject": "s", "text": "t"}
            email_id = (await rest.post("/v1/emails", mail)).body["id"]

            async def bounced() -> dict[str, Any] | None:
                email: dict[str, Any] = (await rest.get(f"/v1/emails/{email_id}")).body
                return email if email["status"] == "bounced" else None

            email = await until(bounced, message="the mail never bounced")
            call = (await until(lambda: sink.calls, message="the webhook was never called"))[0]
    replies = [
        email["recipients"][0]["last_reply"],
        email["events"][-1]["reply"],
        call.json()["data"]["reply"],
    ]
    for reply in replies:
        assert reply["code"] == 0
        assert reply["enhanced_status"] == "5.1.2"
        assert "gone.test does not exist" in reply["diagnostic"]
        assert reply["remote_host"] == ""
