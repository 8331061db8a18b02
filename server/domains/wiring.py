"""Builds the package."""

from zidimail.v1.domain_service_pb2 import DESCRIPTOR

from server.domains.rpc import DomainServicer
from server.domains.verify import Verifier
from server.kernel import Kernel, Package


def build(kernel: Kernel) -> Package:
    """Adds, verifies and lists domains."""
    database, writer, clock, settings = kernel.database, kernel.writer, kernel.clock, kernel.settings
    verifier = Verifier(database, writer, clock, kernel.resolver, settings)
    servicer = DomainServicer(database, writer, clock, kernel.seal, verifier, settings)
    return Package(servicers={DESCRIPTOR.services_by_name["DomainService"]: servicer})
