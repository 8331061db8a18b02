"""API keys: creation, storage, authentication and revocation."""
