"""An OpenID Connect provider of these tests: a real HTTP server with keys of its own.

It checks what clients send as the RFCs say. What a person does at its page is done by `sign_in`.
"""

import base64
import functools
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

CLIENT_ID, CLIENT_SECRET = "client of tests", "secret:of+tests"


@dataclass
class Person:
    """Somebody with an account at the provider, who types the id into its form."""

    subject: str
    claims: dict[str, Any] = field(default_factory=dict)


class SigningKey:
    """A key of the provider."""

    def __init__(self, id: str | None, algorithm: str = "RS256", *, bits: int = 2048) -> None:
        self.id, self.algorithm = id, algorithm
        public: dict[str, Any]
        if algorithm == "ES256":
            self.private: Any = ec.generate_private_key(ec.SECP256R1())
            public = ECAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        elif algorithm == "EdDSA":
            self.private = ed25519.Ed25519PrivateKey.generate()
            public = OKPAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        else:
            self.private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
            public = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        public.pop("key_ops", None)
        self.public = {**public, "use": "sig", **({} if id is None else {"kid": id})}

    def sign(self, claims: dict[str, Any]) -> str:
        """The claims as a signed token."""
        headers = {} if self.id is None else {"kid": self.id}
        return jwt.encode(claims, self.private, self.algorithm, headers=headers)


@functools.cache
def _first_key() -> SigningKey:
    """The key of each provider at first: to make one takes a fifth of a second."""
    return SigningKey("first")


class OidcProvider:
    """The state of the provider; tests change it. `now_s` is its clock."""

    def __init__(self) -> None:
        self.url = ""
        self.now_s: Callable[[], float] = time.time
        self.keys = [_first_key()]
        self.people: dict[str, Person] = {}
        self.calls: Counter[str] = Counter()
        # Differences of its description of itself.
        self.announced: dict[str, Any] = {}
        # The way of clients to say who they are.
        self.way = "client_secret_basic"
        # Differences of its ID tokens, and how they are signed if not by its newest key.
        self.claims: dict[str, Any] = {}
        self.sign: Callable[[dict[str, Any]], str] | None = None
        # Claims that are not in ID tokens, but in the answer about the user.
        self.userinfo: dict[str, Any] | None = None
        # The answers of paths instead of their own: a status, or `drop` for none.
        self.failures: dict[str, int | str] = {}
        # While it is cleared, all answers wait.
        self.open = threading.Event()
        self.open.set()
        self._codes: dict[str, dict[str, str]] = {}

    @property
    def settings(self) -> dict[str, str]:
        """The settings of programs that use this provider."""
        return {
            "ZIDIMAIL_OIDC_ISSUER": self.url,
            "ZIDIMAIL_OIDC_CLIENT_ID": CLIENT_ID,
            "ZIDIMAIL_OIDC_CLIENT_SECRET": CLIENT_SECRET,
            "ZIDIMAIL_OIDC_NAME": "Example Login",
        }

    def add(self, subject: str, **claims: Any) -> None:
        """Makes a person known."""
        self.people[subject] = Person(subject, claims)

    def sign_in(self, url: str, subject: str) -> dict[str, str]:
        """A person signs in at the page of a URL: what the provider gives to the redirect URI."""
        answer = httpx.post(url, data={"subject": subject}, follow_redirects=False)
        assert answer.status_code == 303, answer.text
        query = parse_qs(urlsplit(answer.headers["location"]).query)
        return {name: values[0] for name, values in query.items()}

    # Its API.

    def description(self) -> dict[str, Any]:
        """Discovery (OpenID Connect Discovery 1.0, section 3)."""
        found = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize?tenant=tests",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "response_types_supported": ["code"],
            "token_endpoint_auth_methods_supported": [self.way],
        }
        if self.userinfo is not None:
            found["userinfo_endpoint"] = f"{self.url}/userinfo"
        return {**found, **self.announced}

    def authorize(self, asked: dict[str, str], subject: str) -> str | None:
        """Where the browser goes after the form; None for a request that is wrong."""
        is_right = (
            asked.get("response_type") == "code"
            and asked.get("client_id") == CLIENT_ID
            and asked.get("redirect_uri", "").endswith("/dashboard/sign-in/oidc")
            and "openid" in asked.get("scope", "").split()
            and asked.get("code_challenge_method") == "S256"
            and asked.get("tenant") == "tests"
            and subject in self.people
        )
        if not is_right:
            return None
        code = secrets.token_urlsafe(16)
        self._codes[code] = {**asked, "subject": subject}
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, authorization: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """The tokens for a code (RFC 6749 section 4.1.3); a code works once."""
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            scheme, _, pair = authorization.partition(" ")
            given = base64.b64decode(pair).decode().split(":")
            is_client = [unquote_plus(one) for one in given] == [CLIENT_ID, CLIENT_SECRET]
            if self.way != "client_secret_basic" or scheme != "Basic" or not is_client:
                return 401, {"error": "invalid_client"}
        elif self.way != "client_secret_post":
            return 401, {"error": "invalid_client"}
        asked = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            asked is None
            or asked["code_challenge"] != challenge
            or asked["redirect_uri"] != form.get("redirect_uri")
        ):
            return 400, {"error": "invalid_grant", "error_description": "<script>code</script>"}
        now = int(self.now_s())
        claims = {
            "iss": self.url,
            "sub": asked["subject"],
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **self.people[asked["subject"]].claims,
            **self.claims,
        }
        sign = self.sign or self.keys[-1].sign
        token = sign({name: value for name, value in claims.items() if value is not None})
        return 200, {"access_token": "access", "token_type": "Bearer", "id_token": token}

    def answer(self, method: str, target: str, headers: Any, body: str) -> tuple[int, Any]:
        """The answer to a request; that of a redirect is its place."""
        path, _, query = target.partition("?")
        self.calls[path] += 1
        form = {name: values[0] for name, values in parse_qs(body).items()}
        failure = self.failures.get(path)
        if failure is not None:
            return (0, None) if failure == "drop" else (int(failure), {"error": "temporarily_unavailable"})
        if (method, path) == ("GET", "/.well-known/openid-configuration"):
            return 200, self.description()
        if (method, path) == ("GET", "/keys"):
            return 200, {"keys": [key.public for key in self.keys]}
        if (method, path) == ("GET", "/userinfo") and headers.get("Authorization") == "Bearer access":
            return 200, self.userinfo
        if (method, path) == ("POST", "/token"):
            return self.token(headers.get("Authorization", ""), form)
        if (method, path) == ("POST", "/authorize"):
            asked = {name: values[0] for name, values in parse_qs(query).items()}
            place = self.authorize(asked, form.get("subject", ""))
            return (400, {"error": "invalid_request"}) if place is None else (303, place)
        return 404, {"error": "not_found"}


def symmetric(claims: dict[str, Any], key: bytes, key_id: str) -> str:
    """A token with the algorithm HS256 and any key: the library refuses a public one."""
    parts = [{"alg": "HS256", "typ": "JWT", "kid": key_id}, claims]
    signed = b".".join(_base64(json.dumps(part).encode()) for part in parts)
    return (signed + b"." + _base64(hmac.digest(key, signed, "sha256"))).decode()


def unsigned(claims: dict[str, Any]) -> str:
    """A token with the algorithm `none`."""
    return jwt.encode(claims, None, "none")


def _base64(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


class _Handler(BaseHTTPRequestHandler):
    provider: OidcProvider

    def do_GET(self) -> None:
        """Answers as the provider does."""
        self._respond("GET")

    def do_POST(self) -> None:
        """Answers as the provider does."""
        self._respond("POST")

    def log_message(self, format: str, *args: object) -> None:
        """Logs nothing."""

    def _respond(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.provider.open.wait()
        status, answer = self.provider.answer(method, self.path, self.headers, body)
        if not status:
            self.close_connection = True
            return
        content = b"" if status == 303 else json.dumps(answer).encode()
        self.send_response(status)
        if status == 303:
            self.send_header("Location", answer)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        # A client that waits no longer is gone.
        with suppress(ConnectionError):
            self.end_headers()
            self.wfile.write(content)


@contextmanager
def oidc_provider() -> Iterator[OidcProvider]:
    """A running provider."""
    provider = OidcProvider()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"provider": provider}))
    provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.open.set()
        server.shutdown()
        server.server_close()
        thread.join()
