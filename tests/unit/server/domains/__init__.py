"""Tests of `server/domains`."""
