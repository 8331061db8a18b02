"""A gateway finds the same route for a path as our edge, whichever order it looks in.

Our edge takes the route with the literal. grpc-gateway (version 2) takes the one that was registered last: in
the order of the file, and for several services in the order that the program around it chooses.
"""

from collections.abc import Sequence
from itertools import combinations

import pytest

from edge.transcoding.routes import Route
from edge.transcoding.template import Parameter, Segment, parse
from tests.unit.protos.contract import ROUTES


def overlap(one: Sequence[Segment], other: Sequence[Segment]) -> bool:
    """True if a path exists that both match."""
    return len(one) == len(other) and all(
        isinstance(a, Parameter) or isinstance(b, Parameter) or a == b
        for a, b in zip(one, other, strict=True)
    )


def narrows(one: Sequence[Segment], other: Sequence[Segment]) -> bool:
    """True if `other` matches all paths that `one` matches, and more."""
    kinds = [(isinstance(a, Parameter), isinstance(b, Parameter)) for a, b in zip(one, other, strict=True)]
    return (True, False) not in kinds and (False, True) in kinds


def shadowed(routes: Sequence[Route]) -> list[str]:
    """A sentence for each two routes of which one can take a path of the other; `routes` are in the order of
    their files."""
    found = []
    for first, last in combinations(routes, 2):
        if first.verb != last.verb or not overlap(first.segments, last.segments):
            continue
        files = {route.method.containing_service.file.name for route in (first, last)}
        both = f"{first.verb} {first.path} and {last.path}"
        if len(files) > 1:
            found.append(f"{both}: put both into one service, or choose another path")
        elif narrows(first.segments, last.segments):
            found.append(f"{both}: put {first.method.name} behind {last.method.name} in the file")
        elif not narrows(last.segments, first.segments):
            found.append(f"{both}: choose paths that no request can match both of")
    return found


def at(path: str, like: str = "ListEmails") -> Route:
    (method,) = [route.method for route in ROUTES if route.method.name == like]
    return Route("GET", path, parse(path), method)


def test_no_route_takes_a_path_of_another() -> None:
    pairs = [(a.path, b.path) for a, b in combinations(ROUTES, 2) if overlap(a.segments, b.segments)]
    assert ("/v1/emails/{id}", "/v1/emails/stats") in pairs
    assert not shadowed(ROUTES)


@pytest.mark.parametrize(
    ("paths", "advice"),
    [
        (["/v1/emails/stats", "/v1/emails/{id}"], "put ListEmails behind ListEmails in the file"),
        (["/v1/{kind}/stats", "/v1/emails/{id}"], "choose paths that no request can match both of"),
        (["/v1/emails/{id}", "/v1/emails/{email_id}"], "choose paths that no request can match both of"),
    ],
)
def test_a_route_that_takes_a_path_of_another_is_found(paths: list[str], advice: str) -> None:
    assert shadowed([at(path) for path in paths]) == [f"GET {paths[0]} and {paths[1]}: {advice}"]


def test_routes_of_two_services_may_not_overlap_in_any_order() -> None:
    routes = [at("/v1/emails/{id}"), at("/v1/emails/stats", like="ListEvents")]
    for order in (routes, routes[::-1]):
        assert [line.rpartition(": ")[2] for line in shadowed(order)] == [
            "put both into one service, or choose another path"
        ]


def test_routes_that_share_no_path_do_not_meet() -> None:
    assert not shadowed([at("/v1/emails/{id}"), at("/v1/domains/stats"), at("/v1/emails/{id}/events")])
    assert not shadowed([at("/v1/emails/{id}"), at("/v1/emails/stats")])
