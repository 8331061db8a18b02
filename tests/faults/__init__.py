"""Crash tests: programs are killed at failpoints under load, then the ledger is checked."""
