"""The JSON dialects of the platform: each knows its own names, shapes and errors, and none of the others."""
