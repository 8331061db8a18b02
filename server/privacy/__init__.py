"""The erasure of one recipient's data on request (contract row F-13)."""
