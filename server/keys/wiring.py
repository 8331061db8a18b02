"""Builds the package."""

from dataclasses import dataclass

from zidimail.v1.api_key_service_pb2 import DESCRIPTOR

from server.kernel import Kernel, Package
from server.keys.authenticate import ApiKeyAuthenticator
from server.keys.rpc import ApiKeyServicer
from server.keys.uses import KeyUses


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys(Package):
    """API keys; `authenticator` recognises them."""

    authenticator: ApiKeyAuthenticator


def build(kernel: Kernel) -> Keys:
    """Creates, lists and recognises API keys, and notes when they were last used."""
    uses = KeyUses(kernel.writer)
    authenticator = ApiKeyAuthenticator(kernel.database, kernel.clock, uses)
    servicer = ApiKeyServicer(kernel.database, kernel.writer, kernel.clock, authenticator)
    return Keys(
        servicers={DESCRIPTOR.services_by_name["ApiKeyService"]: servicer},
        serving=[uses],
        authenticator=authenticator,
    )
