"""Where messages go: into a folder, to a smarthost, or to the hosts of the recipients' domains."""
