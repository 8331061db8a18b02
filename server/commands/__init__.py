"""The operator's command line: acts on the store directly, beside no server."""
