"""Tests of `server/contacts`."""
