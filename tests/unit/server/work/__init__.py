"""Loops, leases and schedules."""
