"""The six documented set-ups (Z-58) deliver as printed, with only host and key changed; so do others.

Each program sends twice: to a receiver that records what it wrote, and to the relay. What arrives has
the same parts, each with the same bytes.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email import message_from_bytes, message_from_string, policy
from email.message import Message
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.clients import commands
from tests.clients.programs.installed import INSTALLED
from tests.harness.smtp_sink import SmtpSink
from tests.harness.stack import Stack
from tests.harness.waiting import until_sync

# The set-ups as they are documented, and programs that use those which are settings.
PRINTED, PROGRAMS = Path(__file__).parent / "printed", Path(__file__).parent / "programs"
# The documented port is 2525, so each server has an address of its own.
RELAY, RECORDER = "127.0.0.77", "127.0.0.78"
PORT = 2525
PRINTED_HOST, PRINTED_KEY = "smtp.zidimails.com", "zm_live_YOUR_API_KEY"
SENDER, RECIPIENT = "you@yourdomain.com", "recipient@example.com"
RUN_WITHIN_S = 60


class Printed(Stack):
    """A stack whose organisation has the domain of the documents."""

    domain = "yourdomain.com"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Server, edge and relay, at the documented port."""
    with Printed(tmp_path_factory.mktemp("set-ups")) as stack:
        stack.start_relay(listen=f"{RELAY}:{PORT}")
        yield stack


@contextmanager
def recorder(key: str) -> Iterator[SmtpSink]:
    """A receiver that records, in a thread with an event loop of its own."""
    loop = asyncio.new_event_loop()
    sink = SmtpSink(host=RECORDER, port=PORT, credentials=("apikey", key))
    loop.run_until_complete(sink.start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield sink
    finally:
        asyncio.run_coroutine_threadsafe(sink.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


Command = Callable[[Path, str, str], list[str]]


def printed(name: str, *command: str) -> Command:
    """A command with a file behind it: the printed set-up, with another host and key."""

    def run(folder: Path, host: str, key: str) -> list[str]:
        text = (PRINTED / name).read_text()
        assert PRINTED_HOST in text
        assert PRINTED_KEY in text
        path = folder / name
        path.write_text(text.replace(PRINTED_HOST, host).replace(PRINTED_KEY, key))
        return [*command, str(path)]

    return run


def swaks(*options: str) -> Command:
    """swaks with options of its own; `@` in the file name reads it."""

    def command(folder: Path, host: str, key: str) -> list[str]:
        return [
            *("swaks", "--server", f"{host}:{PORT}", "--from", SENDER, "--to", RECIPIENT),
            *("--auth-user", "apikey", "--auth-password", key, "--data", f"@{message_file(folder)}"),
            *options,
        ]

    return command


def curl(folder: Path, host: str, key: str) -> list[str]:
    """curl sends a file as it is."""
    return [
        *("curl", "--silent", "--show-error", f"smtp://{host}:{PORT}", "--user", f"apikey:{key}"),
        *("--mail-from", SENDER, "--mail-rcpt", RECIPIENT, "--upload-file", message_file(folder)),
    ]


def msmtp(folder: Path, host: str, key: str) -> list[str]:
    """msmtp reads the message from its input."""
    options = f"--host={host} --port={PORT} --auth=plain --user=apikey --tls=off --from={SENDER}"
    script = f"msmtp --file=/dev/null {options} --passwordeval='echo {key}' {RECIPIENT}"
    return ["sh", "-c", f"{script} < {message_file(folder)}"]


def message_file(folder: Path) -> str:
    """A message in a file, whose lines end in CRLF."""
    path = folder / "m.eml"
    path.write_bytes((PROGRAMS / "message.eml").read_bytes().replace(b"\n", b"\r\n"))
    return str(path)


SET_UPS: dict[str, Command] = {
    "WordPress": printed("wordpress.txt", "php", str(PROGRAMS / "wordpress.php")),
    "PHPMailer": printed("phpmailer.txt", "php", str(PROGRAMS / "phpmailer.php")),
    "Nodemailer": printed("nodemailer.mjs", INSTALLED.node),
    "Django": printed("django.txt", INSTALLED.python, str(PROGRAMS / "django_mail.py")),
    "Laravel": printed("laravel.txt", "php", str(PROGRAMS / "laravel.php")),
    "smtplib": printed("smtplib.txt", INSTALLED.python),
    "swaks": swaks(),
    "swaks --pipeline": swaks("--pipeline", "--auth", "LOGIN"),
    "curl": curl,
    "msmtp": msmtp,
}


def parts_of(raw: bytes) -> list[tuple[str, str, str, bytes]]:
    """The leaves of a message: type, encoding, disposition, and the body as it is encoded."""
    # As Latin-1 each byte is a character, and none is decoded by the charset of its part.
    message = message_from_string(raw.decode("latin-1"), policy=policy.compat32)
    return [
        (
            part.get_content_type(),
            str(part.get("Content-Transfer-Encoding")).lower(),
            str(part.get("Content-Disposition")),
            encoded_body(part),
        )
        for part in message.walk()
        if not part.is_multipart()
    ]


def encoded_body(part: Message) -> bytes:
    """The bytes of a leaf before they are decoded."""
    payload = part.get_payload()
    assert isinstance(payload, str)
    return payload.encode("latin-1").rstrip(b"\r\n")


@pytest.fixture(scope="module")
def records(stack: Stack) -> Iterator[SmtpSink]:
    """The receiver that shows what a program writes."""
    with recorder(stack.api_key) as sink:
        yield sink


def newest(stack: Stack) -> tuple[dict[str, Any], bytes]:
    """The last email that was taken, as REST shows it, and the message that left for its first recipient."""
    with api_of(stack) as api:
        id = api.get("/emails", params={"limit": 1}).json()["data"][0]["id"]
        email = api.get(f"/emails/{id}").json()
    path = stack.captured / f"{id}.1.eml"
    until_sync(path.exists)
    return email, path.read_bytes()


def api_of(stack: Stack) -> httpx.Client:
    """The owner's view of what was sent."""
    return httpx.Client(base_url=f"{stack.http}/v1", headers={"Authorization": f"Bearer {stack.api_key}"})


@pytest.mark.parametrize("name", SET_UPS)
def test_set_up_delivers_with_only_host_and_key_changed(
    name: str, stack: Stack, records: SmtpSink, tmp_path: Path
) -> None:
    """Z-58."""
    env = {"NODE_PATH": str(INSTALLED.node_modules), "HOME": str(tmp_path)}
    (tmp_path / "node_modules").symlink_to(INSTALLED.node_modules)
    before = len(records.messages)
    run = SET_UPS[name]
    commands.run(*run(tmp_path, RECORDER, stack.api_key), env=env, within=RUN_WITHIN_S)
    until_sync(lambda: len(records.messages) > before)
    written = records.messages[before]
    commands.run(*run(tmp_path, RELAY, stack.api_key), env=env, within=RUN_WITHIN_S)
    email, arrived = newest(stack)
    assert email["to"] == [RECIPIENT]
    assert parts_of(arrived) == parts_of(written.data)
    message = message_from_bytes(arrived, policy=policy.default)
    assert message["From"].addresses[0].addr_spec == SENDER
    assert message["Message-ID"]
    assert message["Date"]
    assert b"secret@example.com" not in arrived


def test_file_with_bcc_arrives_without_it(stack: Stack, tmp_path: Path) -> None:
    """curl sends the file verbatim (contract section E)."""
    command = curl(tmp_path, RELAY, stack.api_key)
    path = Path(message_file(tmp_path))
    path.write_bytes(b"Bcc: secret@example.com\r\nX-Mine: 1\r\n" + path.read_bytes())
    commands.run(*command, within=RUN_WITHIN_S)
    _, arrived = newest(stack)
    assert b"X-Mine: 1" in arrived
    assert b"secret@example.com" not in arrived


def test_clients_at_once_are_all_served(stack: Stack) -> None:
    """Twenty clients, eight at once, each with a connection of its own."""

    def total() -> int:
        with api_of(stack) as api:
            return int(api.get("/emails").json()["total"])

    before = total()
    command = [
        *("swaks", "--server", f"{RELAY}:{PORT}", "--from", SENDER, "--to", RECIPIENT),
        *("--auth-user", "apikey", "--auth-password", stack.api_key, "--silent", "3"),
    ]
    with ThreadPoolExecutor(8) as clients:
        list(clients.map(lambda _: commands.run(*command, within=RUN_WITHIN_S), range(20)))
    assert total() == before + 20
