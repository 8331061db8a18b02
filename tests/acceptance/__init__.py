"""What a newcomer is promised, end to end, against the real programs."""
