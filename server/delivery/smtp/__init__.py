"""The SMTP client: connections, replies, the handshake, sessions and their pool."""
