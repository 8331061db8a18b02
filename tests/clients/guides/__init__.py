"""The programs of `docs/clients`, generated, built and run as their readers do it."""
