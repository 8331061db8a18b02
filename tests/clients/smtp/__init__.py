"""The six documented set-ups of SMTP clients (Z-58) and three command-line clients, as they are."""
