"""The routes that sign people in and out, and their cookie (Z-3, C-10, C-75)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from starlette.requests import cookie_parser
from zidimail.v1 import account_service_pb2

from edge.dialects.dialect import HeaderField, RouteRules
from edge.middleware.credential import COOKIE
from edge.transcoding.access import is_sign_in
from edge.transcoding.asgi import Header

_ACCOUNTS = "zidimail.v1.AccountService."
# Binds a login at a provider to the browser that began it; only the routes of that login get it.
_OIDC_COOKIE, _OIDC_PATH = "zm_oidc", "/v1/auth/oidc"
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
    flags = "HttpOnly; SameSite=Lax" + ("; Secure" if has_https else "")
    attributes, of_oidc = f"Path=/; {flags}", f"Path={_OIDC_PATH}; {flags}"

    def begin(response: Any) -> tuple[Header, ...]:
        if not response.token:
            return ()
        return (_set_cookie(COOKIE, response.token, _left_s(response), attributes),)

    def end(_: Any) -> tuple[Header, ...]:
        return (_set_cookie(COOKIE, "", 0, attributes),)

    def begin_oidc(response: Any) -> tuple[Header, ...]:
        return (_set_cookie(_OIDC_COOKIE, response.binding, _left_s(response), of_oidc),)

    def finish_oidc(response: Any) -> tuple[Header, ...]:
        return (*begin(response), _set_cookie(_OIDC_COOKIE, "", 0, of_oidc))

    return {
        **{_ACCOUNTS + name: RouteRules(signs_in=True) for name in _LIMITED},
        _ACCOUNTS + "Login": RouteRules(signs_in=True, response_headers=begin),
        _ACCOUNTS + "BeginOidcLogin": RouteRules(signs_in=True, response_headers=begin_oidc),
        _ACCOUNTS + "FinishOidcLogin": RouteRules(
            signs_in=True,
            request_headers={b"cookie": HeaderField("binding", _binding)},
            response_headers=finish_oidc,
        ),
        _ACCOUNTS + "SwitchOrganisation": RouteRules(response_headers=begin),
        _ACCOUNTS + "GetSession": RouteRules(response_headers=begin),
        _ACCOUNTS + "Logout": RouteRules(response_headers=end),
    }


def _binding(cookies: str) -> str:
    return cookie_parser(cookies).get(_OIDC_COOKIE, "")


def _left_s(response: Any) -> int:
    seconds: int = response.expires_at.seconds
    return max(0, seconds - int(time.time()))


def _set_cookie(name: str, value: str, max_age_s: int, attributes: str) -> Header:
    return (b"set-cookie", f"{name}={value}; Max-Age={max_age_s}; {attributes}".encode())
