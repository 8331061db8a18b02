"""The SMTP relay: a submission server (RFC 6409) that turns SMTP into calls of the gRPC server.

It is a server of its own over asyncio's protocols. aiosmtpd keeps each message in memory until its end: it
takes 1,045 MB for 20 messages of 25 MB at once, the relay 156 MB (`make bench ARGS=B12`). It accepts a CR or
LF that stands alone, and knows no limit of connections from one address.
"""
