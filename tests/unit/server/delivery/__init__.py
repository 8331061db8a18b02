"""Composing, signing, judging, and talking SMTP."""
