"""A person from the registration to the first mail, through the mail that the platform sends (C-10, C-78)."""

import httpx

from tests.acceptance.test_domain import publish
from tests.harness.dns_server import DnsServer
from tests.harness.mailbox import mail_to, token_in
from tests.harness.stack import Stack

APP_URL = "http://127.0.0.1:8080"
PASSWORD = "correct horse battery"  # noqa: S105


def test_a_person_registers_confirms_signs_in_makes_a_key_and_sends(
    stack: Stack, stack_dns: DnsServer
) -> None:
    address, domain = "grace@people.example.com", "grace.example.com"
    with httpx.Client(base_url=stack.http, timeout=30) as client:
        body = {"email": address, "password": PASSWORD, "name": "Grace", "organisation": "Navy"}
        assert client.post("/v1/auth/register", json=body).status_code == 200
        before = client.post("/v1/auth/login", json={"email": address, "password": PASSWORD})
        assert before.status_code == 401

        token = token_in(mail_to(stack.captured, address, "Confirm your address"))
        confirmed = client.post("/v1/auth/confirm", json={"token": token})
        assert confirmed.status_code == 200, confirmed.text
        assert client.post("/v1/auth/confirm", json={"token": token}).status_code == 422

        login = client.post("/v1/auth/login", json={"email": address.upper(), "password": PASSWORD})
        assert login.status_code == 200, login.text
        assert login.json()["role"] == "owner"
        assert [org["name"] for org in login.json()["organisations"]] == ["Navy"]
        # The client keeps the cookie, as a browser does, and names its page.
        client.headers["origin"] = APP_URL
        assert client.get("/v1/auth/me").json()["user"]["name"] == "Grace"
        key = client.post("/v1/api-keys", json={"name": "first"}).json()["key"]

        with httpx.Client(base_url=stack.http, headers={"authorization": f"Bearer {key}"}) as api:
            made = api.post("/v1/domains", json={"domain": domain}).json()
            publish(stack_dns, made, "SPF", "DKIM")
            assert api.post(f"/v1/domains/{made['id']}/verify").json()["verified"]
            mail = {"from": f"navy@{domain}", "to": address, "subject": "First mail", "text": "Ahoy."}
            assert api.post("/v1/emails", json=mail).status_code == 200
            # The new organisation is in the sandbox (C-70).
            elsewhere = api.post("/v1/emails", json={**mail, "to": "other@example.org"})
            assert elsewhere.status_code == 403
        assert mail_to(stack.captured, address, "First mail")["From"] == f"navy@{domain}"

        assert client.post("/v1/auth/logout").status_code == 200
        assert client.cookies.get("zm_token") is None
        assert client.get("/v1/auth/me").status_code == 401
        jwt = {"authorization": f"Bearer {login.json()['token']}"}
        assert client.get("/v1/auth/me", headers=jwt).status_code == 401
