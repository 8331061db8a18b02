"""Tests of server/privacy."""
