"""The SMTP relay: a submission server (RFC 6409) that turns SMTP into calls of the gRPC server."""
