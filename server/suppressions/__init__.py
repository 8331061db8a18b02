"""The addresses that an organisation's mail is not sent to."""
