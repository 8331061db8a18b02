"""What comes back about mail that was taken: complaints, and bounces that come later."""
