"""Faults name the remedy, and carry the metadata that the contract documents."""

import re
from typing import get_args

import grpc
import pytest

from server.faults import Fault
from server.wire import faults
from server.wire.caller import CredentialKind
from tests.harness.stack import ROOT

CONTRACT = (ROOT / "protos/zidimail/v1/error_reason.proto").read_text()
REFUSALS = [
    faults.MissingCredentials(),
    faults.InvalidCredentials(),
    faults.SeveralCredentials(),
    faults.EdgeNotRecognised(),
    faults.WrongCredentialKind("session"),
    faults.MissingPermission("read_only", "full"),
    faults.MissingRole("member", "admin"),
    faults.AddressNotAllowed("192.0.2.1"),
]


@pytest.mark.parametrize("fault", REFUSALS, ids=lambda fault: type(fault).__name__)
def test_a_refusal_has_a_documented_reason_code_and_metadata(fault: Fault) -> None:
    documented = re.search(rf"((?:  //.*\n)+)  ERROR_REASON_{fault.reason} =", CONTRACT)
    assert documented is not None
    comment = documented[1]
    assert grpc.StatusCode[fault.code].name in re.sub(r"\s*//\s*", " ", comment)
    assert all(f"`{key}`" in comment for key in fault.metadata)


@pytest.mark.parametrize("kind", [kind for kind in get_args(CredentialKind) if kind != "none"])
def test_required_credential_is_named_in_words(kind: str) -> None:
    fault = faults.WrongCredentialKind(kind)
    assert fault.metadata == {"needed": kind}
    assert "_" not in fault.message
