"""Measures the figures of the README's performance table, each beside a peer in the same run."""
