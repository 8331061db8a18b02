"""The contract as files, from which a client is generated."""

import httpx
import pytest
import zidimail.v1

from edge.transcoding.routes import Router, routes_of, services_of
from edge.transcoding.sources import archive_of
from tools.generate import DESCRIPTORS, GENERATED

pytestmark = pytest.mark.asyncio(loop_scope="module")

FILES = ["/v1/protos.binpb", "/v1/protos.zip"]


@pytest.mark.parametrize(
    ("path", "media_type"),
    [("/v1/protos.binpb", "application/octet-stream"), ("/v1/protos.zip", "application/zip")],
)
async def test_a_file_is_served_to_everyone_under_its_name(edge: str, path: str, media_type: str) -> None:
    async with httpx.AsyncClient(base_url=edge) as stranger:
        answer = await stranger.get(path)
        head = await stranger.head(path)
    assert answer.status_code == head.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert answer.headers["content-disposition"] == f'attachment; filename="{path.removeprefix("/v1/")}"'
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert head.content == b""
    assert int(head.headers["content-length"]) == len(answer.content)
    assert head.headers["etag"] == answer.headers["etag"]


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
async def test_a_file_that_the_client_has_is_not_sent_again(
    client: httpx.AsyncClient, path: str, form: str
) -> None:
    """RFC 9110 13.1.2."""
    etag = (await client.get(path)).headers["etag"]
    answer = await client.get(path, headers={"if-none-match": form.format(etag)})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == etag
    assert answer.headers["cache-control"] == "public, max-age=3600"


@pytest.mark.parametrize("tags", ["", '"other"', 'W/"other", "another"', "nonsense"])
async def test_a_file_that_the_client_has_not_is_sent(client: httpx.AsyncClient, tags: str) -> None:
    answer = await client.get("/v1/protos.zip", headers={"if-none-match": tags})
    assert answer.status_code == 200


@pytest.mark.parametrize("path", FILES)
async def test_a_file_can_only_be_read(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.post(path, json={})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", FILES)
async def test_a_file_stands_before_no_route_of_the_contract(path: str) -> None:
    assert Router(routes_of(services_of(zidimail.v1))).match(path.encode()) is None


async def test_the_descriptors_are_those_that_were_generated(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/protos.binpb")).content == (GENERATED / DESCRIPTORS).read_bytes()


async def test_the_archive_has_the_same_bytes_each_time(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/protos.zip")).content == archive_of("zidimail.v1")
