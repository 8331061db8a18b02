"""A send to a list goes on after kill -9, and each member gets exactly one email (contract row Z-55)."""

from collections import Counter
from pathlib import Path

import httpx

from tests.harness.organisations import Kind
from tests.harness.stack import Stack
from tests.harness.waiting import until_sync

MEMBERS = 4_000
KILLS = 4
AMPLE = {"daily": "100000", "monthly": "100000", "unique": "100000", "burst": "100000"}


def test_send_goes_on_after_the_server_was_killed(tmp_path: Path) -> None:
    with Stack(tmp_path, kinds={"list": Kind(["--plan", "scale"], AMPLE)}) as stack:
        org = stack.orgs["list"]
        headers = {"authorization": f"Bearer {org.jwt}"}
        with httpx.Client(base_url=stack.http, headers=headers, timeout=60) as session:
            lines = [f"user-{number}@list.example.org" for number in range(MEMBERS)]
            made = session.post(
                "/v1/contacts/import/file",
                params={"newListName": "Everybody"},
                content="\n".join(["Email", *lines]).encode(),
            )
            assert made.json()["added"] == MEMBERS
            email = {"from": f"news@{org.domain}", "subject": "News", "text": "Dear {{email}}"}
            begun = session.post(f"/v1/contact-lists/{made.json()['listId']}/send", json=email)
            path = f"/v1/contact-list-sends/{begun.json()['id']}"
            interrupted = 0

            def accepted() -> int:
                return int(session.get(path).json()["accepted_count"])

            for _ in range(KILLS):
                before = accepted()
                until_sync(lambda before=before: accepted() > before)
                stack.kill_server()
                stack.start_server()
                interrupted += session.get(path).json()["status"] == "sending"
            assert interrupted > 0
            end = until_sync(
                lambda: answer if (answer := session.get(path).json())["status"] == "completed" else None
            )
            assert (end["member_count"], end["accepted_count"], end["failed_count"]) == (MEMBERS, MEMBERS, 0)
            sent: Counter[str] = Counter()
            after: dict[str, str] = {}
            while True:
                query = {"job_id": end["id"], "limit": "100", **after}
                page = session.get("/v1/emails", params=query).json()
                sent.update(address for row in page["data"] for address in row["to"])
                if not page["has_more"]:
                    break
                after = {"after": page["data"][-1]["id"]}
            assert sent == Counter(lines)
