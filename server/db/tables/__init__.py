"""The tables, one module for each package that owns them."""
