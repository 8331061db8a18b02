"""Transports: capture into a folder, delivery to a smarthost, delivery to the recipients' MX hosts."""
