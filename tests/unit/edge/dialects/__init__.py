"""What a dialect says: shapes, errors, and the description of both."""
