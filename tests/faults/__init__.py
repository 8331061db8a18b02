"""Killing the programs at every bad moment, and balancing the books afterwards."""
