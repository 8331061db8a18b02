"""Mirrors `server/`: one folder per room."""
