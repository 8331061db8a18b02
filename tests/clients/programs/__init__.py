"""Programs that others wrote for Resend, with only their URL and key changed (contract section D)."""
