"""The arithmetic of quotas."""
