"""The recipes of `docs/gateways`, followed as written, in front of a real server."""
