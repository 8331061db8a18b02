"""The routes that sign people in and out, and their cookie (Z-3, C-10, C-75)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from zidimail.v1 import account_service_pb2

from edge.dialects.dialect import RouteRules
from edge.middleware.credential import COOKIE
from edge.transcoding.access import is_sign_in
from edge.transcoding.asgi import Header

_ACCOUNTS = "zidimail.v1.AccountService."
# The routes that cost a slow hash, a mail or a guess: the contract says which (C-47).
_LIMITED = tuple(
    method.name
    for method in account_service_pb2.DESCRIPTOR.services_by_name["AccountService"].methods
    if is_sign_in(method)
)


def sign_in_rules(*, has_https: bool) -> Mapping[str, RouteRules]:
    """The rules of these routes by the full names of their methods.

    `has_https` is true if our pages are served over https: only then browsers would send the cookie back.
    """
    attributes = "Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if has_https else "")

    def begin(response: Any) -> tuple[Header, ...]:
        if not response.token:
            return ()
        left_s = max(0, response.expires_at.seconds - int(time.time()))
        return (_set_cookie(response.token, left_s, attributes),)

    def end(_: Any) -> tuple[Header, ...]:
        return (_set_cookie("", 0, attributes),)

    return {
        **{_ACCOUNTS + name: RouteRules(signs_in=True) for name in _LIMITED},
        _ACCOUNTS + "Login": RouteRules(signs_in=True, response_headers=begin),
        _ACCOUNTS + "SwitchOrganisation": RouteRules(response_headers=begin),
        _ACCOUNTS + "GetSession": RouteRules(response_headers=begin),
        _ACCOUNTS + "Logout": RouteRules(response_headers=end),
    }


def _set_cookie(token: str, max_age_s: int, attributes: str) -> Header:
    return (b"set-cookie", f"{COOKIE}={token}; Max-Age={max_age_s}; {attributes}".encode())
