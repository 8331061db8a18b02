"""The borders of every list's pages, on gRPC and in JSON: C-7, C-20, C-63, Z-27, S-8, S-12, S-14."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.contract.methods import METHODS
from tests.contract.paged import LISTS, MADE, Paged, Place
from tests.contract.world import Fields, World

OF_LISTS = {
    name: method
    for name, method in METHODS.items()
    if "has_more" in method.descriptor.output_type.fields_by_name
}
# Higher than any of these lists is long.
ALL = 100


def test_every_list_has_its_row() -> None:
    assert LISTS.keys() == OF_LISTS.keys()


@dataclass(frozen=True, slots=True)
class Page:
    """A page in any form: `cursor` is None where JSON has none, `total` in a list that does not count."""

    ids: Sequence[str]
    has_more: bool
    cursor: str | None
    total: int | None


Ask = Callable[..., Page]
"""Asks for a page by its fields."""


def _page(body: Fields, *, is_json: bool) -> Page:
    """The page in the body of an answer; protobuf's JSON leaves out what is empty."""
    ids = [str(item["id"]) for item in body.get("data", [])]
    total = int(body.get("total", 0)) if "page" in body else None
    if is_json:
        assert body["has_more"] in (False, True)
        return Page(ids, body["has_more"], body.get("next_cursor"), total)
    return Page(ids, bool(body.get("has_more")), str(body.get("next_cursor", "")), total)


def _asking(world: World, name: str, row: Paged, fields: Fields, credential: str, interface: str) -> Ask:
    method = METHODS[name]
    is_json = interface == "JSON"
    call = world.rest if is_json else world.grpc
    given = fields | {key: value for key, value in row.rest.items() if is_json and key in fields}

    def ask(**page: Any) -> Page:
        outcome = call(method, given | page, credential)
        assert outcome.code in ("OK", "200"), outcome
        return _page(outcome.body, is_json=is_json)

    return ask


@pytest.fixture(scope="module")
def filled(world: World) -> Callable[[str], Fields]:
    """Fills the list of a method, once, and returns the fields of its requests."""
    made: dict[str, Fields] = {}

    def fill(name: str) -> Fields:
        if name not in made:
            row = LISTS[name]
            made[name] = row.fill(Place(world, world.stack.orgs[row.org]))
        return made[name]

    return fill


INTERFACES = [
    (name, interface)
    for name, method in OF_LISTS.items()
    for interface in ("gRPC", "JSON")
    if interface == "gRPC" or method.path is not None
]


@pytest.mark.parametrize(("name", "interface"), INTERFACES)
def test_borders_of_pages(world: World, filled: Callable[[str], Fields], name: str, interface: str) -> None:
    """One short, exactly full, one over: from the first row, after and before a row, by offset, by number."""
    row = LISTS[name]
    ask = _asking(world, name, row, filled(name), row.credential(world, world.stack.orgs[row.org]), interface)
    asked = OF_LISTS[name].descriptor.input_type.fields_by_name
    whole = ask(limit=ALL).ids
    assert MADE <= len(whole) < ALL
    assert len(set(whole)) == len(whole)
    for start in range(1, len(whole)):
        # The log's cursors are no ids.
        after = whole[start - 1] if "before" in asked else ask(limit=start).cursor
        check(ask, {"after": after}, whole[start:], None if row.grows else len(whole))
    if row.grows:
        return
    check(ask, {}, whole, len(whole))
    if "before" in asked:
        for end in range(len(whole)):
            check(ask, {"before": whole[end]}, whole[:end], len(whole), upward=True)
    if "offset" in asked:
        for start in range(1, len(whole) + 1):
            check(ask, {"offset": start}, whole[start:], len(whole))
    if "page" in asked:
        for size in borders(len(whole)):
            check_numbers(ask, size, whole)


def borders(count: int) -> list[int]:
    """The sizes of pages beside a number of rows: one over, exact, one short."""
    return [size for size in (count + 1, count, count - 1) if size > 0]


def check(
    ask: Ask, position: Fields, rows: Sequence[str], total: int | None, *, upward: bool = False
) -> None:
    """The pages at a position, of sizes around the number of `rows` left in the direction of reading."""
    for size in borders(len(rows)):
        page = ask(limit=size, **position)
        shown = rows[-size:] if upward else rows[:size]
        assert list(page.ids) == list(shown), (position, size)
        assert page.has_more is (len(rows) > size), (position, size)
        if page.total is None:
            assert page.cursor, "the log's cursor is never empty"
            continue
        assert total in (None, page.total), (position, size)
        if page.cursor is not None:
            # The way back down is always known.
            assert page.cursor == (shown[-1] if shown and (page.has_more or upward) else ""), (position, size)


def check_numbers(ask: Ask, size: int, whole: Sequence[str]) -> None:
    """Pages by their numbers make the whole list, and those beyond its end are empty."""
    count = -(-len(whole) // size)
    pages = [ask(limit=size, page=number) for number in range(1, count + 2)]
    assert [list(page.ids) for page in pages] == [
        list(whole[start : start + size]) for start in range(0, (count + 1) * size, size)
    ]
    assert [page.has_more for page in pages] == [number < count for number in range(1, count + 2)]


@pytest.mark.parametrize(
    ("name", "interface"), [pair for pair in INTERFACES if LISTS[pair[0]].empty is not None]
)
def test_page_of_an_empty_list(world: World, name: str, interface: str) -> None:
    row = LISTS[name]
    assert row.empty is not None
    org = world.stack.orgs[row.empty_org]
    fields = row.empty(Place(world, org))
    page = _asking(world, name, row, fields, row.credential(world, org), interface)(limit=1)
    assert (list(page.ids), page.has_more) == ([], False)
    assert page.total in (0, None)


ZSEND = {
    "/emails": ("EmailService.ListEmails", "data", "id", "total", "page_size"),
    "/emails/scheduled": ("EmailService.ListEmails", "scheduled_emails", "id", "total_count", "limit"),
    "/emails/batch": ("BatchJobService.ListBatchJobs", "batch_jobs", "job_id", "total_count", "limit"),
}
"""The lists of zsend: the method of each, and the names of its items, their ids, its length and its size."""


def test_every_list_of_zsend_has_its_row(world: World) -> None:
    paths = httpx.get(f"{world.stack.http}/api/v1/zsend/openapi.json").json()["paths"]
    lists = {path for path, verbs in paths.items() if "get" in verbs and not path.endswith("}")}
    assert {f"/api/v1/zsend{path}" for path in ZSEND} == lists


@pytest.mark.parametrize("path", ZSEND)
def test_borders_of_pages_of_zsend(world: World, filled: Callable[[str], Fields], path: str) -> None:
    """Its pages have numbers alone, and say how long the whole list is (S-8, S-12, S-14)."""
    name, items, id, total, size_name = ZSEND[path]
    filled(name)
    url = f"{world.stack.http}/api/v1/zsend{path}"

    def ask(api_key: str, **query: int) -> tuple[list[str], int]:
        headers = {"authorization": f"Bearer {api_key}"}
        answer = httpx.get(url, params=query, headers=headers)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        return [item[id] for item in body[items]], body[total]

    paged, unused = (world.stack.orgs[org].api_key for org in ("paged", "unused"))
    whole, length = ask(paged, **{size_name: ALL})
    assert MADE <= len(whole) == length < ALL
    for size in borders(length):
        pages = [ask(paged, **{size_name: size, "page": number}) for number in (1, 2, 3)]
        assert [id for ids, _ in pages for id in ids] == whole
        assert {total for _, total in pages} == {length}
    assert ask(unused, **{size_name: 1}) == ([], 0)
