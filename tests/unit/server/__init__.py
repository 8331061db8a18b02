"""Mirrors `server/`: one folder per package."""
