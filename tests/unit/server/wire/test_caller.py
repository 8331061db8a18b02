"""The caller of the call that is being served."""

import contextvars

import pytest

from server.wire.caller import (
    AnonymousCaller,
    Caller,
    InternalCaller,
    KeyCaller,
    OperatorCaller,
    SessionCaller,
    any_caller,
    current_caller,
    set_current_caller,
)

OF_AN_ORGANISATION = [KeyCaller("org", "key", "full"), SessionCaller("org", "user", "owner", 0)]
OF_NONE = [AnonymousCaller(), InternalCaller(), OperatorCaller("token")]


def in_a_call_of(caller: Caller) -> contextvars.Context:
    context = contextvars.copy_context()
    context.run(set_current_caller, caller)
    return context


@pytest.mark.parametrize("caller", OF_AN_ORGANISATION)
def test_a_servicer_of_an_organisation_gets_its_caller(caller: KeyCaller | SessionCaller) -> None:
    context = in_a_call_of(caller)
    assert context.run(current_caller) is caller
    assert context.run(any_caller) is caller


@pytest.mark.parametrize("caller", OF_NONE)
def test_caller_without_an_organisation_is_a_lookup_error(caller: Caller) -> None:
    context = in_a_call_of(caller)
    assert context.run(any_caller) is caller
    with pytest.raises(LookupError, match=caller.credential):
        context.run(current_caller)


def test_outside_a_call_there_is_no_caller() -> None:
    context = contextvars.Context()
    for ask in (current_caller, any_caller):
        with pytest.raises(LookupError):
            context.run(ask)


def test_no_bounds_of_a_key_apply_to_a_session() -> None:
    session = SessionCaller("org", "user", "owner", 0)
    assert (session.key_id, session.allowed_domains, session.test) == (None, frozenset(), False)
