"""The erasure of one recipient's data, and the export of an organisation's (contract row F-13)."""
