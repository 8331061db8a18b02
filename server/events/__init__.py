"""The log: everything that happened to an email, appended once and read by many."""
