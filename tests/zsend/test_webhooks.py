"""Webhooks in the dialect's format, chosen for each endpoint: V-1 to V-3, C-80."""

import hashlib
import hmac
from pathlib import Path

import httpx

from tests.harness.stack import Stack
from tests.harness.waiting import until
from tests.harness.webhook_sink import WebhookSink
from tests.zsend.conftest import PREFIX
from tests.zsend.emails import email_of


async def test_each_webhook_is_called_in_the_format_that_it_was_registered_with(zsend: Stack) -> None:
    """V-1, V-2, V-3, C-80."""
    headers = {"authorization": f"Bearer {zsend.orgs['hooks'].api_key}"}
    async with WebhookSink() as sink, httpx.AsyncClient(base_url=zsend.http, headers=headers) as http:
        secrets = {}
        for format in ("zsend", "zidimail"):
            new = {"url": f"{sink.url}/200/{format}", "events": ["email.delivered"], "format": format}
            made = (await http.post("/v1/webhooks", json=new)).raise_for_status().json()
            secrets[format] = made["secret"]
            assert (await http.get(f"/v1/webhooks/{made['id']}")).json()["format"] == format
        wrong = {"url": f"{sink.url}/200/x", "events": ["email.sent"], "format": "other"}
        assert (await http.post("/v1/webhooks", json=wrong)).status_code == 422
        sent = (await http.post(f"{PREFIX}/emails", json=email_of("hooks"))).raise_for_status().json()
        await until(lambda: sink.at("/200/zsend") and sink.at("/200/zidimail"))
        (theirs,), (ours,) = sink.at("/200/zsend"), sink.at("/200/zidimail")
    assert ours.json()["data"]["email_id"] == theirs.json()["email"]["id"] == sent["id"]
    assert theirs.headers["x-zsend-event"] == theirs.json()["event"] == "delivery"
    signed = theirs.headers["x-zsend-timestamp"].encode() + b"." + theirs.body
    expected = hmac.new(secrets["zsend"].encode(), signed, hashlib.sha256).hexdigest()
    assert theirs.headers["x-zsend-signature"] == f"sha256={expected}"


def test_the_core_does_not_know_the_dialect() -> None:
    """The word stands in the formats of webhooks alone."""
    server = Path(__file__).parents[2] / "server"
    knowing = {
        str(path.relative_to(server)) for path in server.rglob("*.py") if "zsend" in path.read_text().lower()
    }
    assert knowing == {"webhooks/formats/table.py", "webhooks/formats/zsend.py"}
