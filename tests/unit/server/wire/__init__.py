"""Tests of `server/wire`."""
