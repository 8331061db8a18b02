"""Why a domain cannot be added or verified."""

from server.faults import Fault


class DomainAlreadyExists(Fault):
    """The organisation has the domain already (contract row C-45)."""

    reason, code = "DOMAIN_ALREADY_EXISTS", "ALREADY_EXISTS"

    def __init__(self, domain: str) -> None:
        super().__init__(f"The domain {domain} was added already.", domain=domain)


class DomainOwnedElsewhere(Fault):
    """Another organisation has verified the domain (contract row C-45)."""

    reason, code = "DOMAIN_OWNED_ELSEWHERE", "ALREADY_EXISTS"

    def __init__(self, domain: str) -> None:
        super().__init__(
            f"The domain {domain} is verified for another organisation, which must remove it first.",
            domain=domain,
        )
