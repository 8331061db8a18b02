"""An HTTP server that answers as Google's export address of Sheets does."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

SHARED, PRIVATE, MISSING, LARGE, BUSY, BROKEN, CIRCLE = (
    f"{name}-sheet-000000000000000000"
    for name in ("shared", "private", "missing", "large", "busy", "broken", "circle")
)
TABLES = {
    "": "Email,Name\r\nsheet@example.org,Ada Sheet\r\n",
    "7": "Name,E-mail,Email\r\nBob,x,second-sheet@example.org\r\n",
}


def address(sheet: str, rest: str = "edit#gid=0") -> str:
    """The address of a sheet in a browser."""
    return f"https://docs.google.com/spreadsheets/d/{sheet}/{rest}"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answers one request."""
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        if url.path == "/signin":
            self._answer(200, "text/html; charset=utf-8", b"<html>Sign in</html>")
        elif url.path == "/contents":
            table = TABLES.get(query.get("gid", [""])[0], TABLES[""])
            self._answer(200, "text/csv", table.encode())
        elif query.get("format") != ["csv"] or not url.path.endswith("/export"):
            self._answer(400, "text/html", b"")
        elif SHARED in url.path:
            gid = query.get("gid", [""])[0]
            self._answer(307, "text/html", b"", location=f"/contents?gid={gid}")
        elif PRIVATE in url.path:
            self._answer(302, "text/html", b"", location="/signin")
        elif LARGE in url.path:
            self._answer(200, "text/csv", b"Email\r\n" + b"a@example.org\r\n" * 700_000)
        elif BUSY in url.path:
            self._answer(429, "text/html", b"<html>We're sorry</html>")
        elif BROKEN in url.path:
            self._answer(500, "text/html", b"")
        elif CIRCLE in url.path:
            # Google's way to its page to sign in has several.
            self._answer(302, "text/html", b"", location=self.path)
        else:
            self._answer(404, "text/html", b"")

    def log_message(self, format: str, *args: object) -> None:
        """Logs nothing."""

    def _answer(self, status: int, content_type: str, body: bytes, *, location: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        # A client that has had enough leaves.
        with suppress(ConnectionError):
            self.wfile.write(body)


@contextmanager
def sheets_server() -> Iterator[str]:
    """The base URL of a running server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
