"""The stores, held to the same promises on SQLite and on PostgreSQL."""
