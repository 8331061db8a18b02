"""Each reader finds the values that were sent, and each verifier accepts the signatures.

Run by `make test-clients`, which installs the programs.
"""

import base64
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import idna
import pytest

from server.addresses import Mailbox
from tests.clients.commands import run
from tests.clients.readers import verifiers
from tests.clients.readers.installed import INSTALLED, SOURCES
from tests.unit.server.message.corpus import corpus
from tests.unit.server.message.samples import Sample
from tests.unit.server.message.test_sign import DOMAIN, KEYS, pair

WITHIN_S = 500
# The fields whose mailboxes every reader knows.
KNOWN_FIELDS = {"from", "to", "cc", "reply-to", "sender"}
# Values of JSON, as another program printed them.
Found = dict[str, Any]


@pytest.fixture(scope="session")
def samples() -> list[Sample]:
    return list(corpus())


@pytest.fixture(scope="session")
def folder(samples: list[Sample], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the messages."""
    made = tmp_path_factory.mktemp("corpus")
    for sample in samples:
        (made / sample.name).write_bytes(sample.raw)
    return made


@pytest.fixture(scope="session")
def records() -> dict[str, str]:
    """The TXT records of the signing keys."""
    return {f"{key}1._domainkey.{DOMAIN}": pair(key).record.decode() for key in KEYS}


@pytest.fixture(scope="session")
def in_node(folder: Path, records: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Found:
    file = tmp_path_factory.mktemp("records") / "records.json"
    file.write_text(json.dumps(records))
    command = (INSTALLED.node, str(SOURCES / "read.js"), str(folder), str(file))
    found: Found = json.loads(run(*command, env={"NODE_PATH": str(INSTALLED.node_modules)}, within=WITHIN_S))
    return found


@pytest.mark.parametrize("reader", ["mailparser", "postal-mime"])
def test_node_packages_read_every_message(reader: str, in_node: Found, samples: list[Sample]) -> None:
    wrong = {sample.name: differences(in_node[sample.name][reader], sample) for sample in samples}
    assert not {name: found for name, found in wrong.items() if found}


def test_mailauth_verifies_every_message(in_node: Found, samples: list[Sample]) -> None:
    assert [
        name for name in (sample.name for sample in samples) if in_node[name]["mailauth"] != ["pass"] * 2
    ] == []


def test_email_mime_reads_every_message(folder: Path, samples: list[Sample]) -> None:
    found = json.loads(run("perl", str(SOURCES / "read.pl"), str(folder), within=WITHIN_S))
    wrong = {sample.name: differences(found[sample.name], sample) for sample in samples}
    assert not {name: found for name, found in wrong.items() if found}


def test_opendkim_verifies_every_message(
    samples: list[Sample], records: dict[str, str], tmp_path: Path
) -> None:
    with verifiers.opendkim(records, tmp_path) as verify:
        # It knows RSA alone (RFC 8463 came after it), and checks the first signature.
        assert not [sample.name for sample in samples if not verify(sample.raw)]
        assert not verify(samples[0].raw.replace(b"the end", b"The end"))


@pytest.fixture
def rspamd(records: dict[str, str], tmp_path: Path) -> Iterator[httpx.Client]:
    with verifiers.rspamd(records, tmp_path) as client:
        yield client


def test_rspamd_verifies_every_message(samples: list[Sample], rspamd: httpx.Client) -> None:
    refused = {}
    for sample in samples:
        symbols = rspamd.post("/checkv2", content=sample.raw).json()["symbols"]
        if "R_DKIM_ALLOW" not in symbols or "R_DKIM_REJECT" in symbols:
            refused[sample.name] = symbols
    assert not refused


def differences(found: Found, sample: Sample) -> list[tuple[str, str, str]]:
    """The values that are other ones than were sent."""
    read = {
        "subject": found["subject"],
        **{field: as_read(boxes) for field, boxes in found["boxes"].items()},
        **found["fields"],
        "text": without_line_ends(found["text"]),
        "html": without_line_ends(found["html"]),
        "files": [
            as_shown(name, kind, content_id, base64.b64decode(content))
            for name, kind, content_id, content in found["files"]
        ],
    }
    expected = {
        "subject": sample.subject,
        # A reader that does not know a field of mailboxes has None.
        **{field: boxes and as_sent(sample.boxes[field]) for field, boxes in found["boxes"].items()},
        **sample.fields,
        "text": without_line_ends(sample.text),
        "html": without_line_ends(sample.html),
        "files": [
            as_shown(file.name, file.shown_type, file.content_id, file.content) for file in sample.files
        ],
    }
    assert found["boxes"].keys() == sample.boxes.keys()
    assert all(found["boxes"][field] for field in KNOWN_FIELDS & sample.boxes.keys())
    return [
        (field, str(read.get(field))[:200], str(value)[:200])
        for field, value in expected.items()
        if read.get(field) != value
    ]


def as_read(boxes: list[list[str]] | None) -> list[list[str]] | None:
    return boxes and [[name, canonical(address)] for name, address in boxes]


def as_sent(boxes: Sequence[Mailbox]) -> list[list[str]]:
    return [[box.name, canonical(box.address)] for box in boxes]


def canonical(address: str) -> str:
    """An address with its domain as DNS has it, and its local part without quotes.

    Some readers show the characters that A-labels stand for, and most leave quotes away.
    """
    local, _, domain = address.rpartition("@")
    return f"{local.strip(chr(34))}@{idna.encode(domain).decode()}"


def without_line_ends(text: str) -> str:
    """A text whose lines end as those of Python, the last one without: each reader has its own line ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")


def as_shown(name: str, kind: str, content_id: str, content: bytes) -> tuple[str, str, str, bytes]:
    """A file; the lines of a message or calendar end as its reader ends them, the last one too."""
    if kind.startswith("message/") or kind == "text/calendar":
        content = content.replace(b"\r\n", b"\n").rstrip(b"\n")
    return name, kind, content_id, content
