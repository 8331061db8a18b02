"""The history of the schema (Alembic), and the one command that brings a store up to date."""
