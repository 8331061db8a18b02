"""The matrix of access: every method of the contract against every kind of caller."""
