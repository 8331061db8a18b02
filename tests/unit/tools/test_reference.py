"""The reference page shows the whole contract, and renders."""

import re
from collections.abc import Iterator

import pytest
from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FileDescriptorSet
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tools.generate import DESCRIPTORS, GENERATED
from tools.reference import PAGE

IMAGE = FileDescriptorSet.FromString((GENERATED / DESCRIPTORS).read_bytes())
OURS = [file for file in IMAGE.file if file.package == "zidimail.v1"]
METHODS = [method for file in OURS for service in file.service for method in service.method]
MESSAGES = [message for file in OURS for message in file.message_type]
ENUMS = [enum for file in OURS for enum in file.enum_type]

MARKDOWN = MarkdownIt("commonmark").enable("table")
TOKENS = MARKDOWN.parse(PAGE.read_text())


def sections() -> Iterator[tuple[str, list[Token]]]:
    """Each heading, with the tokens between it and the next one."""
    starts = [at for at, token in enumerate(TOKENS) if token.type == "heading_open"]
    for start, end in zip(starts, [*starts[1:], len(TOKENS)], strict=True):
        yield TOKENS[start + 1].content, TOKENS[start + 3 : end]


HEADINGS = [heading for heading, _ in sections()]
SECTIONS = dict(sections())


def rows(tokens: list[Token]) -> list[list[str]]:
    """The rows of the one table of a section, without its head; none if there is no table."""
    found: list[list[str]] = []
    for at, token in enumerate(tokens):
        if token.type == "tr_open":
            found.append([])
        elif token.type == "td_open":
            found[-1].append(tokens[at + 1].content)
    return found[1:]


def inlines() -> Iterator[Token]:
    for token in TOKENS:
        yield from token.children or []


def test_each_service_method_message_and_enum_has_one_section() -> None:
    services = [service for file in OURS for service in file.service]
    named = [item.name for item in (*services, *METHODS, *MESSAGES, *ENUMS)]
    others = ["Reference of zidimail.v1", "Contents", "Services", "Messages", "Enums"]
    assert sorted(HEADINGS) == sorted([*named, *others])


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.name)
def test_the_section_of_a_message_has_a_row_for_each_field(message: DescriptorProto) -> None:
    shown = [(name, number) for name, number, *_ in rows(SECTIONS[message.name])]
    assert shown == [(f"`{field.name}`", str(field.number)) for field in message.field]
    for _, _, kind, _, meaning in rows(SECTIONS[message.name]):
        assert kind
        assert meaning


@pytest.mark.parametrize("enum", ENUMS, ids=lambda enum: enum.name)
def test_the_section_of_an_enum_has_a_row_for_each_value(enum: EnumDescriptorProto) -> None:
    shown = [(name, number) for name, number, _ in rows(SECTIONS[enum.name])]
    assert shown == [(f"`{value.name}`", str(value.number)) for value in enum.value]
    assert all(meaning for _, _, meaning in rows(SECTIONS[enum.name]))


def test_each_method_says_how_it_is_called_and_how_it_fails() -> None:
    for method in METHODS:
        text = "\n".join(token.content for token in SECTIONS[method.name] if token.type == "inline")
        for fact in ("Request: ", "Response: ", "REST: ", "Credentials: `", "Errors: "):
            assert len(re.findall(f"^{re.escape(fact)}.*[^ ]$", text, re.MULTILINE)) == 1, method.name


@pytest.mark.parametrize(
    ("heading", "line"),
    [
        (
            "UpdateApiKey",
            "REST: `PATCH /v1/api-keys/{id}`; the body is the request; the answer is the field `api_key`",
        ),
        ("SendEmail", "Credentials: `API_KEY` (permission `FULL` or `SEND_ONLY`)"),
        ("CreateApiKey", "Credentials: `SESSION` (role `ADMIN` or a higher one, not opened by an operator)"),
        ("WatchEvents", "Response: stream of [WatchEventsResponse](#watcheventsresponse)"),
        ("WatchEvents", "REST: none"),
        ("GetEmail", "Errors: [`EMAIL_NOT_FOUND`](#errorreason)."),
    ],
)
def test_a_method_is_described_as_the_contract_has_it(heading: str, line: str) -> None:
    assert line in [token.content for token in SECTIONS[heading]]


@pytest.mark.parametrize(
    ("heading", "row"),
    [
        ("SendEmailRequest", ["`to`", "2", "`string`", "**required**, repeated"]),
        ("SendEmailRequest", ["`html`", "7", "`string`", "optional"]),
        ("SendEmailRequest", ["`headers`", "9", "map of `string` to `string`", ""]),
        ("BatchSendResult", ["`sent`", "1", "[SendEmailResponse](#sendemailresponse)", "one of `outcome`"]),
    ],
)
def test_a_field_is_described_as_the_contract_has_it(heading: str, row: list[str]) -> None:
    assert row in [found[:4] for found in rows(SECTIONS[heading])]


def test_each_link_leads_to_a_heading_or_to_another_page() -> None:
    """An anchor is what hosts of Markdown make of a heading: its text in lower case, without dots."""
    anchors = [heading.lower().replace(" ", "-").replace(".", "") for heading in HEADINGS]
    assert len(anchors) == len(set(anchors))
    targets = {str(token.attrs["href"]) for token in inlines() if token.type == "link_open"}
    assert {target[1:] for target in targets if target.startswith("#")} <= set(anchors)
    pages = {target for target in targets if not target.startswith(("#", "https://"))}
    assert all((PAGE.parent / page).exists() for page in pages)


def test_the_page_renders_without_leftovers_of_markdown() -> None:
    assert not [token.content for token in inlines() if token.type == "html_inline"]
    html = MARKDOWN.render(PAGE.read_text())
    text = re.sub(r"<code>.*?</code>|<[^>]*>", "", html)
    assert not re.findall(r".*(?:[`|]|\*\*|\]\(|^#|^- ).*", text, re.MULTILINE)
    assert html.count("<table>") == len(ENUMS) + sum(bool(message.field) for message in MESSAGES)
