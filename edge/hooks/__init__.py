"""Callbacks of providers: HTTP requests whose signature the server verifies."""
