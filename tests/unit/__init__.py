"""Promises that need no process, socket or database beside the test."""
