"""The contract. It is a package without code, so that the edge finds the files wherever it is installed."""
