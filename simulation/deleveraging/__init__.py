"""Deleveraging rules: which winners a bankrupt position is closed against."""
