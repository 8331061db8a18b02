"""Pages for the recipients of mail, behind the links in it."""
