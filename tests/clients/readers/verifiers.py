"""OpenDKIM and rspamd, with a DNS server that publishes the keys."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.harness.dns_server import DnsServer, dns_in_a_thread
from tests.harness.stack import free_port
from tests.harness.waiting import until_sync

WITHIN_S = 20
START_WITHIN_S = 60
# OpenDKIM asks port 53; no other program listens at this address of the loopback network.
OWN_ADDRESS = "127.83.0.1"

_RSPAMD = """
options {{
  filters = "dkim";
  url_tld = "{folder}/tld";
  control_socket = "{folder}/control";
  pidfile = "{folder}/pid";
  dns {{ nameserver = ["{host}:{port}:1"]; }}
}}
logging {{ type = "console"; level = "error"; }}
worker "normal" {{ bind_socket = "127.0.0.1:{listen}"; count = 1; }}
dkim {{ }}
actions {{ reject = 15; }}
"""


@contextmanager
def opendkim(records: dict[str, str], folder: Path) -> Iterator[Callable[[bytes], bool]]:
    """`opendkim-testmsg` as a function: True if a message verifies."""
    resolver = folder / "resolv.conf"
    resolver.write_text(f"nameserver {OWN_ADDRESS}\n")
    environment = os.environ | {
        "LD_PRELOAD": "libresolv_wrapper.so",
        "RESOLV_WRAPPER_CONF": str(resolver),
        "PATH": f"{os.environ['PATH']}:/usr/sbin",
    }

    def verify(raw: bytes) -> bool:
        done = subprocess.run(
            ["opendkim-testmsg", "-t", str(folder)],
            input=raw,
            env=environment,
            capture_output=True,
            timeout=WITHIN_S,
            check=False,
        )
        return done.returncode == 0

    with published(records, OWN_ADDRESS, 53):
        yield verify


@contextmanager
def rspamd(records: dict[str, str], folder: Path) -> Iterator[httpx.Client]:
    """A running rspamd that checks signatures and nothing else."""
    # The full list of top-level domains takes it ten seconds to compile.
    (folder / "tld").write_text("test\n")
    config = folder / "rspamd.conf"
    listen = free_port()
    with published(records) as dns, (folder / "log").open("w") as log:
        config.write_text(_RSPAMD.format(folder=folder, host=dns.host, port=dns.port, listen=listen))
        process = subprocess.Popen(["rspamd", "-f", "-i", "-c", str(config)], stdout=log, stderr=log)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{listen}", timeout=WITHIN_S) as client:
                until_sync(lambda: _answers(client), within=START_WITHIN_S)
                yield client
        finally:
            process.terminate()
            process.wait(WITHIN_S)


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/ping").is_success
    except httpx.TransportError:
        return False


@contextmanager
def published(records: dict[str, str], host: str = "127.0.0.1", port: int = 0) -> Iterator[DnsServer]:
    """A DNS server with these TXT records."""
    with dns_in_a_thread(
        {(name, "TXT"): [text] for name, text in records.items()}, host=host, port=port
    ) as dns:
        yield dns
