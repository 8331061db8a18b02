"""LibreOffice, which saves contacts in the formats of spreadsheet programs."""
