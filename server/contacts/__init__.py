"""The people whom an organisation writes to, and lists of them."""
