"""Runs schemathesis, with all its checks, against a stack's own descriptions of itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.harness.stack import ROOT, Stack

PREFIXES = ("/v1", "/api/v1/zsend")
"""The dialects, by the beginning of their paths."""

RULED = (
    "SendEmail",  # the sender's domain must be verified, recipients not suppressed
    "ScheduleEmail",
    "BatchSendEmails",
    "CreateBatchJob",
    "UpdateEmail",  # times must be in the future
    "CancelScheduledEmail",  # only one that waits
    "ListScheduledEmails",
    "ListBatchJobs",
    "CreateDomain",  # host names, with rules of their own
    "CreateApiKey",
    "UpdateApiKey",  # no control characters
    "CreateWebhook",  # public hosts only
    "UpdateWebhook",
    "ReplayWebhookEvents",  # 30 days back at most
    "CreateSuppression",  # addresses
    "BatchAddSuppressions",
    "BatchRemoveSuppressions",
    "ListEmails",  # texts of searches
    "ListSuppressions",
    "ListEvents",  # cursors
    "SendRawEmail",  # a message must be one
    "Register",  # addresses, passwords
    "ConfirmRegistration",  # tokens that were mailed
    "Login",
    "BeginOidcLogin",  # a provider must be set up
    "FinishOidcLogin",
    "RequestPasswordReset",
    "ResetPassword",
    "ChangePassword",
    "BeginTotp",
    "ActivateTotp",
    "DeactivateTotp",
    "RenewRecoveryCodes",
    "DeactivateIdentity",
    "ActivateIdentity",
    "SwitchOrganisation",
    "UpdateOrganisation",
    "LeaveOrganisation",
    "CloseOrganisation",
    "UpdateMember",  # an owner must be left
    "DeleteMember",
    "CreateInvitation",
    "CreateErasure",
    "CreateExport",
    "AcceptInvitation",
    "CreateContact",
    "UpdateContact",
    "BatchRemoveContacts",
    "ListContacts",
    "CreateContactList",
    "UpdateContactList",
    "ListContactLists",
    "AddContactListMembers",
    "ImportContacts",
    "ImportContactsFile",  # a file must be one
    "ImportContactsSheet",  # addresses of sheets
    "SendToContactList",
    "Unsubscribe",  # sealed tokens
    "CancelContactListSend",
    "GetBilling",  # PayPal must be set up
    "Subscribe",
    "ChangeSubscription",
    "CancelSubscription",
    # Of operators: tried with an API key, as they would change plans and organisations.
    "ListOrganisationAccounts",
    "GetOrganisationAccount",
    "UpdateOrganisationAccount",
    "ChangeAccountState",
    "ListOrganisationMembers",
    "RemoveSecondFactor",
    "CreateImpersonation",
    "ListOrganisationSuppressions",
    "RemoveOrganisationSuppression",
    "GetRetention",
    "UpdateRetention",
    "GetPlanLimits",
    "UpdatePlanLimits",
    "GetQueueOverview",
    "GetAbuseFigures",
    "ListOperatorEntries",
)
"""Operations with rules that no schema can say: what the description allows they may still refuse."""

UNCHECKED = {
    "/v1": "allow_header_conformance,unsupported_method",  # Resend's routes, which it does not describe
    "/api/v1/zsend": "unsupported_method",  # an unknown method is 404 (C-66)
}
"""The checks that do not hold for a dialect."""

ENDS_SESSIONS = ("Logout", "ChangePassword", "ResetPassword", "LeaveOrganisation", "CloseOrganisation")
"""Operations that end the session with which they are tried: they are tried with an API key."""


def _names(operations: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in operations)


CONFIG = f"""\
headers = {{ Authorization = "Bearer ${{FUZZ_API_KEY}}" }}

# Keys are made and revoked in another organisation: a key must not revoke the one it is tried with.
[[operations]]
include-operation-id = ["CreateApiKey", "ListApiKeys", "UpdateApiKey", "DeleteApiKey"]
headers = {{ Authorization = "Bearer ${{FUZZ_SESSION}}" }}

# What belongs to people needs a session, which would end if it were tried to sign out with.
[[operations]]
include-tag = ["AccountService", "BillingService", "ContactsService"]
exclude-operation-id = [{_names(ENDS_SESSIONS)}]
headers = {{ Authorization = "Bearer ${{FUZZ_SESSION}}" }}

[[operations]]
include-operation-id = [{_names(RULED)}]
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", 400, 401, 403, 404, 409, 413, 422, 429]
"""


class Run(NamedTuple):
    """The result of a run: whether every check passed, the operations that succeeded at least once, as
    `POST /v1/emails`, and schemathesis's output."""

    passed: bool
    reached: frozenset[str]
    output: str


def fuzz(stack: Stack, folder: Path, prefix: str, *options: str) -> Run:
    """Tries every operation of a dialect with requests of all kinds; schemathesis writes to `folder`."""
    config = folder / "schemathesis.toml"
    config.write_text(CONFIG)
    report = folder / "report.json"
    env = os.environ | {
        "FUZZ_API_KEY": stack.owner.api_key,
        "FUZZ_SESSION": stack.other.jwt,
        "SCHEMATHESIS_HOOKS": "tests.fuzz.serializers",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [
            *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"),
            *("--config-file", str(config), "--no-color"),
            *("run", f"{stack.http}{prefix}/openapi.json", "--url", stack.http),
            *("--checks", "all", "--continue-on-failure", "--output-truncate", "false"),
            *("--exclude-checks", UNCHECKED[prefix]),
            *("--report", "json", "--report-json-path", str(report)),
            *options,
        ],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    rates = json.loads(report.read_text())["valid_rates"] if report.exists() else {}
    reached = {
        operation
        for operation, phases in rates.items()
        if any(phase["accepted"] for phase in phases.values())
    }
    return Run(done.returncode == 0, frozenset(reached), done.stdout)
