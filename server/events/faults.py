"""Why the log is not streamed."""

from server.faults import Fault


class TooManyStreams(Fault):
    """A caller, or its organisation, has as many streams as it may have."""

    reason, code = "TOO_MANY_STREAMS", "RESOURCE_EXHAUSTED"

    def __init__(self, limit: int, owner: str) -> None:
        owners = {"caller": "This API key or session", "organisation": "This organisation"}
        super().__init__(
            f"{owners[owner]} has {limit} open streams, the most that it may have. Close one first, or let "
            "the programs that need the events share one stream.",
            limit=str(limit),
        )
