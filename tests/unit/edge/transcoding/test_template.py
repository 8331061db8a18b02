import pytest

from edge.transcoding.template import BadTemplate, Literal, Parameter, parse


def test_a_template_is_literals_and_parameters() -> None:
    assert parse("/v1/domains/{id}/verify") == (
        Literal("v1"),
        Literal("domains"),
        Parameter("id"),
        Literal("verify"),
    )


@pytest.mark.parametrize(
    "template",
    [
        "",
        "v1/emails",
        "/v1/",
        "/v1//emails",
        "/{id}/x/{id}",
        "/v1/{id=*}",
        "/v1/**",
        "/v1/{id}:go",
        "/v1/{Id}",
        "/a b",
    ],
)
def test_any_other_template_is_an_error_when_it_is_read(template: str) -> None:
    with pytest.raises(BadTemplate):
        parse(template)
