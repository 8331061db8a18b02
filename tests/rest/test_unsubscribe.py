"""Recipients of list mail unsubscribe: by the links in captured mail, without a credential (RFC 8058)."""

import email
import email.policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.harness.stack import Stack
from tests.harness.waiting import until_sync
from tests.rest.golden import Golden
from tests.rest.test_list_sends import ended, list_of

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


class Reader:
    """A recipient of list mail."""

    def __init__(self, rest: Stack, session: httpx.Client, address: str) -> None:
        self._rest, self._session, self.address = rest, session, address
        self.list_id = list_of(session, f"With {address}", address)

    def mail(self, **fields: Any) -> EmailMessage:
        """The email that a new send to the list brings."""
        new = {"from": f"News <news@{self._rest.owner.domain}>", "subject": "News", "text": "News."}
        begun = self._session.post(f"/v1/contact-lists/{self.list_id}/send", json={**new, **fields})
        id = ended(self._session, begun.json()["id"]).json()["id"]
        [sent] = self._session.get("/v1/emails", params={"job_id": id}).json()["data"]
        path: Path = self._rest.captured / f"{sent['id']}.1.eml"
        until_sync(path.exists, message=f"{sent['id']} was never captured")
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        return message

    def link(self) -> str:
        """The path of the link in an email."""
        header = str(self.mail()["List-Unsubscribe"])
        assert (header[0], header[-1]) == ("<", ">")
        return urlsplit(header[1:-1]).path

    def is_unsubscribed(self) -> bool:
        """The state of the contact."""
        return bool(self._session.get(f"/v1/contacts/{self.address}").json()["unsubscribed"])


@pytest.fixture
def reader(rest: Stack, session: httpx.Client, request: pytest.FixtureRequest) -> Reader:
    """A recipient whom no other test knows."""
    name = request.node.name.removeprefix("test_").replace("_", "-")[:60]
    return Reader(rest, session, f"{name}@readers.example.org")


def test_header_of_captured_mail_is_signed_and_its_link_unsubscribes_by_one_post(
    reader: Reader, stranger: httpx.Client
) -> None:
    message = reader.mail(text="Enough? {{unsubscribe_url}}")
    link = str(message["List-Unsubscribe"])[1:-1]
    assert link in message.get_content()
    signed = [str(value).lower() for value in message.get_all("DKIM-Signature", [])]
    assert signed
    assert all("list-unsubscribe" in value for value in signed)
    answer = stranger.post(urlsplit(link).path, data=ONE_CLICK)
    # RFC 8058 section 3.2: no redirect.
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert reader.is_unsubscribed()
    # A second click does no harm.
    assert stranger.post(urlsplit(link).path, data=ONE_CLICK).status_code == 200


def test_form_of_several_parts_is_a_click_too(reader: Reader, stranger: httpx.Client) -> None:
    """RFC 8058 section 3.2."""
    parts = {"List-Unsubscribe": (None, "One-Click")}
    assert stranger.post(reader.link(), files=parts).status_code == 200
    assert reader.is_unsubscribed()


def test_programs_that_follow_links_unsubscribe_nobody(reader: Reader, stranger: httpx.Client) -> None:
    link = reader.link()
    for method in ("GET", "HEAD", "OPTIONS"):
        stranger.request(method, link)
    assert not reader.is_unsubscribed()
    assert stranger.put(link).status_code == 405


def test_page_asks_and_its_button_unsubscribes(reader: Reader, stranger: httpx.Client, rest: Stack) -> None:
    link = reader.link()
    page = stranger.get(link)
    assert page.status_code == 200
    assert reader.address in page.text
    assert f"News &lt;news@{rest.owner.domain}&gt;" in page.text
    assert '<form method="post"><button>Unsubscribe</button></form>' in page.text
    done = stranger.post(link, headers={"content-type": "application/x-www-form-urlencoded"})
    assert (done.status_code, "<form" in done.text) == (200, False)
    assert reader.is_unsubscribed()
    # The page then asks no more.
    assert stranger.get(link).text == done.text


def test_page_runs_and_loads_nothing_and_is_kept_nowhere(reader: Reader, stranger: httpx.Client) -> None:
    headers = stranger.get(reader.link()).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert (headers["cache-control"], headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert headers["x-robots-tag"] == "noindex, nofollow"


@pytest.mark.parametrize("token", ["x", "A" * 200, "%00", "..", "ä", "<script>"])
def test_wrong_link_has_a_page_of_its_own(stranger: httpx.Client, token: str) -> None:
    for answer in (stranger.get(f"/unsubscribe/{token}"), stranger.post(f"/unsubscribe/{token}")):
        assert (answer.status_code, "script>" in answer.text) == (404, False)


def test_large_body_is_not_kept(reader: Reader, stranger: httpx.Client) -> None:
    answer = stranger.post(reader.link(), content=b"a" * (3 << 20))
    assert answer.status_code == 200


def test_programs_unsubscribe_by_the_token(reader: Reader, stranger: httpx.Client, golden: Golden) -> None:
    """Z-55, RFC 8058."""
    token = reader.link().rpartition("/")[2]
    trial = stranger.post("/v1/unsubscribe", json={"token": token, "dry_run": True})
    assert trial.json()["unsubscribed"] is False
    assert not reader.is_unsubscribed()
    golden.check("contact-list-sends/unsubscribe", stranger.post("/v1/unsubscribe", json={"token": token}))
    assert reader.is_unsubscribed()
    wrong = stranger.post("/v1/unsubscribe", json={"token": token[:-4]})
    assert wrong.status_code == 422
