"""The SMTP relay, as its clients see it: real programs, raw sockets."""
