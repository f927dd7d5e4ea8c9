"""Margin rules: what a pool must hold against its positions."""
