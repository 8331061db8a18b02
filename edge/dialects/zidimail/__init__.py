"""The dialect of `/v1`: ZidiMail's documented names with Resend's beside them."""
