"""Tests of `server/net`."""
