"""Tests that need no other process and no database."""
