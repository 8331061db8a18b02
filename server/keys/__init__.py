"""API keys: how they are made, stored, recognised and revoked."""
