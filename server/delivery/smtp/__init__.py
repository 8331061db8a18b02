"""SMTP as a client: connections, replies, the handshake, sessions and their pool."""
