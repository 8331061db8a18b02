"""Lists that show what was asked for and no more, by REST (contract rows C-57, F-7)."""

from uuid import uuid4

import httpx
import pytest

from tests.harness.stack import Stack
from tests.rest.conftest import client
from tests.rest.golden import Golden
from tests.rest.test_emails import EMAIL
from tests.rest.test_reading import ids


def test_lists_of_emails_are_filtered_by_their_fields(api: httpx.Client, golden: Golden) -> None:
    """C-57: as the search does, in one field each, together, and page by page."""
    mark = uuid4().hex
    sent = [
        api.post(
            "/v1/emails",
            json={
                **EMAIL,
                "from": f"{who}@mail.example.com",
                "to": f"{mark}-{no}@example.org",
                "subject": what,
            },
        ).json()["id"]
        for no, (who, what) in enumerate([("anna", "One"), ("bert", "Two"), ("anna", "Two")])
    ]
    for query, wanted in (
        ({"to": f"{mark}-1"}, [1]),
        ({"to": mark.upper()}, [2, 1, 0]),
        ({"to": mark, "from": "ANNA@"}, [2, 0]),
        ({"to": mark, "subject": "tw"}, [2, 1]),
        ({"to": mark, "from": "bert", "subject": "one"}, []),
        ({"to": mark, "offset": 1}, [1, 0]),
        ({"to": mark, "offset": 1, "limit": 1}, [1]),
        ({"to": mark, "offset": 3}, []),
        ({"to": mark, "offset": 10**20, "limit": 1}, []),
        ({"to": mark, "offset": 1, "page": 7}, [1, 0]),
    ):
        found = ids(api.get("/v1/emails", params=query))
        assert found == [sent[no] for no in wanted], query
    for query in ({"offset": -1}, {"offset": "x"}):
        assert api.get("/v1/emails", params=query).status_code == 422
    golden.check("errors/list-unknown-filter", api.get("/v1/emails", params={"recipient": "ada"}))


@pytest.mark.parametrize("path", ["domains", "webhooks", "suppressions", "events", "batch-jobs"])
def test_no_list_ignores_a_parameter(api: httpx.Client, path: str) -> None:
    """C-57: a filter that is ignored shows everything."""
    answer = api.get(f"/v1/{path}", params={"limit": 1, "filter[x]": "y"})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["filter[x]"]


def test_key_that_only_sends_reads_its_own_mail(
    api: httpx.Client, session: httpx.Client, rest: Stack
) -> None:
    """F-7: and never that of another key, in any way in which mail is read."""
    keys = [
        session.post("/v1/api-keys", json={"name": name, "permission": "send_only"}).json()["key"]
        for name in ("one", "other")
    ]
    file = {"filename": "a.txt", "content": "YQ=="}
    with client(rest, keys[0]) as one, client(rest, keys[1]) as other:
        mine = one.post("/v1/emails", json={**EMAIL, "attachments": [file]}).json()["id"]
        of_all = api.post("/v1/emails", json={**EMAIL, "attachments": [file]}).json()["id"]
        job = one.post("/v1/batch-jobs", json={"emails": [EMAIL]}).json()["id"]
        assert one.get(f"/v1/emails/{mine}").json()["id"] == mine
        assert ids(one.get("/v1/emails", params={"job_type": "direct"})) == [mine]
        assert len(one.get(f"/v1/emails/{mine}/attachments").json()["data"]) == 1
        assert one.get(f"/v1/batch-jobs/{job}").status_code == 200
        for path in (f"emails/{of_all}", f"emails/{of_all}/attachments"):
            assert one.get(f"/v1/{path}").status_code == 404
        for path in (f"emails/{mine}", f"emails/{mine}/attachments", f"batch-jobs/{job}"):
            assert other.get(f"/v1/{path}").status_code == 404
        for path in ("emails", "batch-jobs"):
            assert other.get(f"/v1/{path}").json()["data"] == []
        assert one.get("/v1/suppressions").status_code == 401
