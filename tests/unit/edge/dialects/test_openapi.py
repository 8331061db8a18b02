"""The description of REST for programs."""

import json

from edge.dialects.openapi import document
from edge.dialects.zidimail.openapi import DESCRIPTION
from tests.unit.edge.transcoding.contract import DIALECT


def test_a_tag_says_what_its_service_is_for_and_nothing_about_grpc() -> None:
    written = json.loads(document(DIALECT, DESCRIPTION, "http://test"))
    tags = {tag["name"]: tag["description"] for tag in written["tags"]}
    assert tags["EmailService"] == "Sending email and reading what became of it."
    assert not [name for name, description in tags.items() if "\n" in description]
