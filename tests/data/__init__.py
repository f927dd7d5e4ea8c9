"""Tests on real input."""
