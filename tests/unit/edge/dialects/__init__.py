"""Tests of dialects: shapes, errors, and the description of both."""
