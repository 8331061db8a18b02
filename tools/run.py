"""`make run`: starts the whole platform on this machine, and prints a command that sends a first mail.

The store, the captured mail and the credentials of the demo organisation stay in the data directory for the
next start.
"""

import json
import os
import shlex
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from honcho import manager
from honcho.environ import parse_procfile

import edge.settings
import edge.smtp.settings
import server.settings

REPOSITORY = Path(__file__).resolve().parent.parent
DOMAIN = "example.com"
OWNER = "owner@example.com"
READY_WITHIN_S = 60.0
PAUSE_S = 0.1
# The server drains for 20 s, edge and relay for 35 s at most; honcho would kill them after 5.
STOP_WITHIN_S = 40

WELCOME = """
ZidiMail runs: REST on {http}, gRPC on {grpc}, SMTP on {smtp}.
The demo organisation may send from any address at {domain}. Its API key:

    {api_key}

Send a mail:

    {curl}

Any program that speaks SMTP sends with the user name apikey and the API key as its password.

Then read it, with the id from the answer:

    {landing}
    curl -s {http}/v1/emails/ID -H 'Authorization: Bearer {api_key}'

The credentials are kept in {credentials}. Ctrl-C stops everything.
"""


def environment() -> dict[str, str]:
    """The environment of the programs: that of this process, with defaults for a trial on one machine."""
    env = dict(os.environ)
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', '')}"
    env["PYTHONUNBUFFERED"] = "1"
    settings = server.settings.Settings.from_env()
    env["ZIDIMAIL_DATA_DIR"] = str(settings.data_dir)
    host, colon, port = settings.grpc_listen.rpartition(":")
    everywhere = host in {"0.0.0.0", "[::]"}
    env.setdefault("ZIDIMAIL_SERVER", f"127.0.0.1{colon}{port}" if everywhere else settings.grpc_listen)
    env.setdefault("ZIDIMAIL_APP_URL", base_url(edge.settings.Settings.from_env()))
    # The receiver of a trial's webhooks is on the same machine.
    env.setdefault("ZIDIMAIL_ALLOW_PRIVATE_NETWORKS", "on")
    return env


def base_url(settings: edge.settings.Settings) -> str:
    """The URL of the edge for callers on this machine."""
    host, port = _reachable(settings.http_listen)
    return f"http://{host}:{port}"


def _reachable(listen: str) -> tuple[str, str]:
    """The host and the port by which programs on this machine reach a listening address."""
    host, _, port = listen.rpartition(":")
    return ("127.0.0.1" if host in {"0.0.0.0", "[::]"} else host), port


def require_free(setting: str, address: str | None) -> None:
    """Exits with advice if another program listens on `address` already."""
    if address is None or address.startswith("unix:"):
        return
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except OSError as error:
            sys.exit(
                f"Cannot listen on {address}: {error.strerror}. Is ZidiMail running already? "
                f"Another address: {setting}=127.0.0.1:{int(port) + 1} make run"
            )


def prepare(env: Mapping[str, str]) -> dict[str, Any]:
    """Migrates the store; returns the credentials of the demo organisation, created at the first start."""
    _run_server(env, "migrate")
    kept = credentials_file(env)
    if not kept.exists():
        arguments = (
            "bootstrap",
            "--email",
            OWNER,
            "--plan",
            "pro",
            "--domain",
            DOMAIN,
            "--verified",
            "--json",
        )
        made = _run_server(env, *arguments)
        draft = kept.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(json.loads(made), indent=2) + "\n")
        draft.rename(kept)
    credentials: dict[str, Any] = json.loads(kept.read_text())
    return credentials


def credentials_file(env: Mapping[str, str]) -> Path:
    """The file of the demo organisation's credentials."""
    return Path(env["ZIDIMAIL_DATA_DIR"]) / "demo.json"


def _run_server(env: Mapping[str, str], *arguments: str) -> str:
    command = [sys.executable, "-m", "server", *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, env=env, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"`python -m server {arguments[0]}` failed; the lines above say why.")
    return done.stdout


def welcome(env: Mapping[str, str], api_key: str) -> str:
    """The next steps, with commands to paste."""
    http = base_url(edge.settings.Settings.from_env(env))
    settings = server.settings.Settings.from_env(env)
    body = {
        "from": f"Demo <hello@{DOMAIN}>",
        "to": "you@example.net",
        "subject": "Hello from ZidiMail",
        "html": "<p>It works.</p>",
    }
    curl = (
        f"curl -s {http}/v1/emails -H {shlex.quote('Authorization: Bearer ' + api_key)} "
        f"-H 'Content-Type: application/json' -d {shlex.quote(json.dumps(body))}"
    )
    captured = _shown(settings.data_dir / "captured" / "ID.1.eml")
    return WELCOME.format(
        http=http,
        grpc=env["ZIDIMAIL_SERVER"],
        smtp=edge.smtp.settings.Settings.from_env(env).listen,
        domain=DOMAIN,
        api_key=api_key,
        curl=curl,
        landing=f"cat {captured}" if settings.transport == "capture" else "# it left this machine",
        credentials=_shown(credentials_file(env)),
    )


def _shown(path: Path) -> str:
    return shlex.quote(str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path))


def greet_when_ready(env: Mapping[str, str], api_key: str) -> None:
    """Waits until the edge reaches the server, then prints the welcome."""
    http = base_url(edge.settings.Settings.from_env(env))
    deadline = time.monotonic() + READY_WITHIN_S
    smtp = edge.smtp.settings.Settings.from_env(env).listen
    while _status(f"{http}/readyz") != 200 or not _greets(smtp):
        if time.monotonic() > deadline:
            print(f"Not ready after {READY_WITHIN_S:.0f} s; the lines above may say why.", flush=True)
            return
        time.sleep(PAUSE_S)
    if _status(f"{http}/v1/emails?limit=1", api_key) == 401:
        print(
            f"The store does not know the API key in {credentials_file(env)}: it belongs to another store. "
            "Move the file away and start again, to make another demo organisation.",
            flush=True,
        )
        return
    print(welcome(env, api_key), flush=True)


def _status(url: str, api_key: str | None = None) -> int:
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=2) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def _greets(address: str) -> bool:
    """True if a mail server answers at an address of this machine."""
    host, port = _reachable(address)
    try:
        with socket.create_connection((host.strip("[]"), int(port)), 2) as connection:
            return connection.recv(3) == b"220"
    except OSError:
        return False


def main() -> None:
    """Runs the programs of the Procfile until Ctrl-C or until one of them ends."""
    try:
        env = environment()
        ours = server.settings.Settings.from_env(env)
        require_free("ZIDIMAIL_GRPC_LISTEN", ours.grpc_listen)
        require_free("ZIDIMAIL_METRICS_LISTEN", ours.metrics_listen)
        require_free("ZIDIMAIL_HTTP_LISTEN", edge.settings.Settings.from_env(env).http_listen)
        smtp = edge.smtp.settings.Settings.from_env(env)
        require_free("ZIDIMAIL_SMTP_LISTEN", smtp.listen)
        require_free("ZIDIMAIL_SMTPS_LISTEN", smtp.listen_tls)
    except (server.settings.SettingsError, ValueError) as error:
        sys.exit(f"zidimail: {error}")
    api_key = prepare(env)["api_key"]
    manager.KILL_WAIT = STOP_WITHIN_S
    programs = manager.Manager()
    for name, command in parse_procfile((REPOSITORY / "Procfile").read_text()).processes.items():
        programs.add_process(name, command, env=env, cwd=str(REPOSITORY))
    threading.Thread(target=greet_when_ready, args=(env, api_key), daemon=True).start()
    programs.loop()
    # SIGINT (130) and SIGTERM (143) are the normal end.
    sys.exit(0 if programs.returncode in {130, 143} else programs.returncode)


if __name__ == "__main__":
    main()
