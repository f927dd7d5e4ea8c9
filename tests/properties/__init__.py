"""Invariants of whole runs."""
