"""Tests of `server/keys`."""
