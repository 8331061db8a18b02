"""Who may call what: a matrix over every method of the contract."""
