"""Messages: the grammar of header fields, MIME composition and DKIM signatures."""
