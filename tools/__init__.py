"""Programs for people who work on this repository; the Makefile calls them."""
