"""Google Sheets as files to import, fetched from Google's export address (contract rows Z-50, Z-51, C-11)."""

import re
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from server.contacts.import_rules import MAX_FILE_BYTES
from server.faults import ValidationFailed, Violation
from server.net.http import FileTooLarge, GuardedClient, NoResponse

FETCH_S = 20.0
_HOST = "docs.google.com"
_PATH = re.compile(r"/spreadsheets/(?:u/\d+/)?d/([A-Za-z0-9_-]{20,120})(?:/.*)?", re.ASCII)
_SHEET = re.compile(r"\d{1,12}", re.ASCII)
_NOT_A_SHEET = f"must be the address of a Google Sheet: https://{_HOST}/spreadsheets/d/…"
_NOT_SHARED = 'is not shared: in Google Sheets share it with "Anyone with the link" as Viewer'


class Sheets:
    """Fetches sheets as CSV. `base_url` is that of Google's export address."""

    def __init__(self, client: GuardedClient, base_url: str) -> None:
        self._client = client
        self._base_url = base_url.rstrip("/")

    async def start(self) -> None:
        """Opens nothing: connections are made as sheets need them."""

    async def stop(self) -> None:
        """Closes the connections."""
        await self._client.close()

    async def fetch(self, url: str) -> bytes:
        """The CSV file of the sheet that a person sees at `url`. Raises `ValidationFailed`."""
        path = export_path(url)
        if path is None:
            raise _wrong(_NOT_A_SHEET)
        try:
            file = await self._client.fetch(self._base_url + path, MAX_FILE_BYTES)
        except FileTooLarge:
            too_large = f"has more than {MAX_FILE_BYTES} bytes (10 MiB) as CSV: divide the sheet"
            raise _wrong(too_large) from None
        except NoResponse as error:
            raise _wrong(_problem(error)) from None
        except TimeoutError:
            raise _wrong(f"cannot be fetched within {FETCH_S:g} s") from None
        # Google answers a stranger with its page to sign in.
        if file.content_type.partition(";")[0].strip().lower() == "text/html":
            raise _wrong(_NOT_SHARED)
        return file.content


def export_path(url: str) -> str | None:
    """The path and query of the CSV form of a sheet; None if `url` is not the address of one.

    Of a workbook it is the sheet that the address names, else the first.
    """
    try:
        parts = urlsplit(url.strip())
        is_google = parts.scheme == "https" and parts.netloc.lower() == _HOST
    except ValueError:
        return None
    found = _PATH.fullmatch(parts.path) if is_google else None
    if found is None:
        return None
    named = [*parse_qs(parts.fragment).get("gid", ()), *parse_qs(parts.query).get("gid", ())]
    sheet = f"&gid={named[0]}" if named and _SHEET.fullmatch(named[0]) else ""
    return f"/spreadsheets/d/{found[1]}/export?format=csv{sheet}"


def _problem(error: NoResponse) -> str:
    if error.kind != "status":
        return f"cannot be fetched: {error}"
    # Of too many calls and of its own faults Google says so; else it hides the sheet from a stranger.
    if error.status is not None and (error.status == HTTPStatus.TOO_MANY_REQUESTS or error.status >= 500):
        return f"cannot be fetched now, as Google answers {error.status}: repeat the import in some minutes"
    return _NOT_SHARED


def _wrong(description: str) -> ValidationFailed:
    return ValidationFailed([Violation("url", description)])
