"""A PayPal of these tests: its API over HTTP as its reference describes it, and its certificates over HTTPS.

It checks requests as PayPal does, and what a person or PayPal itself does there is done by its methods.
"""

import base64
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.harness.paypal_certificates import Signer, authority, trusted_file
from tests.harness.paypal_events import WEBHOOK_ID

CLIENT_ID, CLIENT_SECRET = "client-of-tests", "secret-of-tests"
PLANS = {"P-PRO00000000000000000001": 20, "P-SCALE000000000000000001": 90, "P-YEAR0000000000000000001": 200}
PRO, SCALE, YEARLY = PLANS
_SUBSCRIPTIONS = "/v1/billing/subscriptions"
_CERTIFICATES = "/v1/notifications/certs/"


class PayPalServer:
    """The state of PayPal. `now_ms` is its clock: its times are whole seconds, as PayPal's are."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
        self.subscriptions: dict[str, dict[str, Any]] = {}
        self.calls: Counter[str] = Counter()
        self.certificates: dict[str, bytes] = {}
        # The answer to every call of the API instead: a status, or `drop` for none.
        self.failure: int | str | None = None
        # While it is cleared, calls of the API wait.
        self.open = threading.Event()
        self.open.set()
        # The tokens that are valid.
        self.tokens: set[str] = set()
        # A change of the plan needs the owner's approval, as most do.
        self.asks_for_changes = True
        self.url = self.certificates_url = ""
        self._by_request: dict[str, str] = {}
        self.signer = authority().signer()
        self.cert_path = self.publish(self.signer)

    def publish(self, signer: Signer) -> str:
        """Makes a certificate available; its path."""
        path = f"{_CERTIFICATES}CERT-{uuid.uuid4().hex[:8]}-{uuid.uuid4().hex[:8]}"
        self.certificates[path] = signer.file
        return path

    @property
    def settings(self) -> dict[str, str]:
        """The settings of programs that use this PayPal."""
        return {
            "ZIDIMAIL_PAYPAL_URL": self.url,
            "ZIDIMAIL_PAYPAL_CERTIFICATES_URL": self.certificates_url,
            "ZIDIMAIL_PAYPAL_CLIENT_ID": CLIENT_ID,
            "ZIDIMAIL_PAYPAL_CLIENT_SECRET": CLIENT_SECRET,
            "ZIDIMAIL_PAYPAL_WEBHOOK_ID": WEBHOOK_ID,
            "SSL_CERT_FILE": trusted_file(),
        }

    @property
    def cert_url(self) -> str:
        """The URL of the certificate that events are signed with."""
        return self.certificates_url + self.cert_path

    def time(self, days: int = 0) -> str:
        """A time by PayPal's clock, some days from now."""
        moment = datetime.fromtimestamp(self.now_ms() // 1000, UTC) + timedelta(days=days)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    # Acts of people, and of PayPal itself.

    def pay(self, id: str) -> None:
        """The owner approves a subscription and pays, or PayPal collects the next payment: it is active."""
        with self.lock:
            subscription = self.subscriptions[id]
            if "revised" in subscription:
                subscription["plan_id"] = subscription.pop("revised")
            subscription["billing_info"] = {
                "outstanding_balance": {"currency_code": "USD", "value": "0.0"},
                "cycle_executions": [{"tenure_type": "REGULAR", "sequence": 1, "cycles_completed": 1}],
                "last_payment": {"amount": {"currency_code": "USD", "value": "20.0"}, "time": self.time()},
                "next_billing_time": self.time(days=365 if subscription["plan_id"] == YEARLY else 31),
                "failed_payments_count": 0,
            }
        self.become(id, "ACTIVE")

    def fail_payment(self, id: str) -> None:
        """A payment fails; PayPal will try again."""
        with self.lock:
            self.subscriptions[id]["billing_info"]["failed_payments_count"] += 1
        self.become(id, "ACTIVE")

    def become(self, id: str, status: str) -> None:
        """A subscription gets another status."""
        with self.lock:
            subscription = self.subscriptions[id]
            subscription["status"] = status
            subscription["update_time"] = subscription["status_update_time"] = self.time()
            if status in ("CANCELLED", "EXPIRED", "SUSPENDED"):
                subscription.get("billing_info", {}).pop("next_billing_time", None)

    def shown(self, id: str, *, with_plan: bool = False) -> dict[str, Any]:
        """A subscription as PayPal shows it."""
        with self.lock:
            subscription = {key: value for key, value in self.subscriptions[id].items() if key != "revised"}
        subscription["links"] = [{"href": f"{self.url}{_SUBSCRIPTIONS}/{id}", "rel": "self", "method": "GET"}]
        if subscription["status"] == "APPROVAL_PENDING":
            subscription["links"].insert(0, self._approve_link(id))
        if with_plan:
            unit = "YEAR" if subscription["plan_id"] == YEARLY else "MONTH"
            frequency = {"interval_unit": unit, "interval_count": 1}
            cycle = {"frequency": frequency, "tenure_type": "REGULAR", "sequence": 1, "total_cycles": 0}
            subscription["plan"] = {"billing_cycles": [cycle]}
        return json.loads(json.dumps(subscription))  # type: ignore[no-any-return]

    # Its API.

    def create(self, asked: dict[str, Any], request_id: str) -> tuple[int, dict[str, Any]]:
        """Makes a subscription; a repeated request is answered with what the first one made."""
        if asked.get("plan_id") not in PLANS:
            return 404, _error("RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")
        context = asked["application_context"]
        assert context["return_url"].startswith("http")
        assert context["cancel_url"].startswith("http")
        with self.lock:
            id = self._by_request.get(request_id, "") if request_id else ""
            if not id:
                id = f"I-{uuid.uuid4().hex[:12].upper()}"
                self._by_request[request_id] = id
                self.subscriptions[id] = {
                    "id": id,
                    "plan_id": asked["plan_id"],
                    "custom_id": asked["custom_id"],
                    "status": "APPROVAL_PENDING",
                    "quantity": "1",
                    "create_time": self.time(),
                    "start_time": self.time(),
                    "update_time": self.time(),
                }
        return 201, self.shown(id)

    def revise(self, id: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Changes the plan, or asks the owner for approval."""
        if self.subscriptions[id]["status"] != "ACTIVE":
            return 422, _error("UNPROCESSABLE_ENTITY", "SUBSCRIPTION_STATUS_INVALID")
        if self.asks_for_changes:
            self.subscriptions[id]["revised"] = asked["plan_id"]
            return 200, {"plan_id": asked["plan_id"], "links": [self._approve_link(id)]}
        self.subscriptions[id]["plan_id"] = asked["plan_id"]
        self.become(id, "ACTIVE")
        return 200, {"plan_id": asked["plan_id"], "links": []}

    def cancel(self, id: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any] | None]:
        """Cancels a subscription that was approved."""
        assert 1 <= len(asked["reason"]) <= 128
        if self.subscriptions[id]["status"] not in ("ACTIVE", "SUSPENDED"):
            return 422, _error("UNPROCESSABLE_ENTITY", "SUBSCRIPTION_STATUS_INVALID")
        self.become(id, "CANCELLED")
        return 204, None

    def _approve_link(self, id: str) -> dict[str, str]:
        href = f"https://www.sandbox.paypal.com/webapps/billing/subscriptions?ba_token={id}"
        return {"href": href, "rel": "approve", "method": "GET"}


def _error(name: str, issue: str) -> dict[str, Any]:
    details = [{"issue": issue, "description": "A text for people."}]
    return {"name": name, "message": "A text for people.", "debug_id": "f1d2d2f924e98", "details": details}


class _Api(BaseHTTPRequestHandler):
    paypal: PayPalServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Shows a subscription."""
        self._serve("GET")

    def do_POST(self) -> None:
        """Everything else."""
        self._serve("POST")

    def log_message(self, format: str, *args: object) -> None:
        """Logs nothing."""

    def _serve(self, method: str) -> None:
        paypal, url = self.paypal, urlsplit(self.path)
        content = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        kind = url.path.rpartition("/")[2] if method == "POST" else "get"
        paypal.calls[kind] += 1
        paypal.open.wait(30)
        if paypal.failure == "drop":
            self.close_connection = True
        elif paypal.failure is not None:
            self._answer(int(paypal.failure), _error("INTERNAL_SERVICE_ERROR", "TRY_AGAIN"))
        elif url.path == "/v1/oauth2/token":
            self._answer(*self._token(content))
        elif self.headers["Authorization"].removeprefix("Bearer ") not in paypal.tokens:
            self._answer(401, {"error": "invalid_token", "error_description": "Token signature verification"})
        else:
            self._answer(*self._call(method, url.path, url.query, content))

    def _token(self, content: bytes) -> tuple[int, dict[str, Any]]:
        given = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
        form = parse_qs(content.decode())
        if given != f"{CLIENT_ID}:{CLIENT_SECRET}" or form != {"grant_type": ["client_credentials"]}:
            return 401, {"error": "invalid_client", "error_description": "Client Authentication failed"}
        self.paypal.tokens.add(token := f"A21AA-{uuid.uuid4().hex}")
        given_token = {"access_token": token, "token_type": "Bearer", "expires_in": 32400}
        return 200, {"scope": "https://uri.paypal.com/services/subscriptions", **given_token}

    def _call(self, method: str, path: str, query: str, content: bytes) -> tuple[int, dict[str, Any] | None]:
        paypal = self.paypal
        if method == "POST" and path == _SUBSCRIPTIONS:
            return paypal.create(json.loads(content), self.headers.get("PayPal-Request-Id", ""))
        id, _, act = path.removeprefix(f"{_SUBSCRIPTIONS}/").partition("/")
        if id not in paypal.subscriptions:
            return 404, _error("RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")
        if method == "GET":
            return 200, paypal.shown(id, with_plan=parse_qs(query).get("fields") == ["plan"])
        return {"revise": paypal.revise, "cancel": paypal.cancel}[act](id, json.loads(content))

    def _answer(self, status: int, answer: dict[str, Any] | None) -> None:
        body = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        # A client that waits no longer is gone.
        with suppress(ConnectionError):
            self.wfile.write(body)


class _Certificates(BaseHTTPRequestHandler):
    paypal: PayPalServer

    def do_GET(self) -> None:
        """Answers with a certificate."""
        self.paypal.calls["certificate"] += 1
        file = self.paypal.certificates.get(self.path)
        self.send_response(200 if file else 404)
        self.send_header("Content-Length", str(len(file or b"")))
        self.end_headers()
        self.wfile.write(file or b"")

    def log_message(self, format: str, *args: object) -> None:
        """Logs nothing."""


@contextmanager
def paypal_server() -> Iterator[PayPalServer]:
    """A running PayPal."""
    paypal = PayPalServer()
    servers = []
    for handler in (_Api, _Certificates):
        bound = type(handler.__name__, (handler,), {"paypal": paypal})
        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), bound))
    api, certificates = servers
    certificates.socket = authority().server_context().wrap_socket(certificates.socket, server_side=True)
    paypal.url = f"http://127.0.0.1:{api.server_port}"
    paypal.certificates_url = f"https://127.0.0.1:{certificates.server_port}"
    threads = [threading.Thread(target=server.serve_forever, daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield paypal
    finally:
        paypal.open.set()
        for server in servers:
            server.shutdown()
            server.server_close()
        for thread in threads:
            thread.join()
