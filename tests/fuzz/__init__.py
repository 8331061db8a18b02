"""Requests that the description of `/v1` allows, and requests that it does not, without end."""
