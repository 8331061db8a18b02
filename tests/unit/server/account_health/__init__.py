"""The judgement of accounts."""
