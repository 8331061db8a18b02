"""Puts small faults into copies of the product, one at a time, and reports those that no test notices."""
