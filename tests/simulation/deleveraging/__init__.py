"""Tests of the deleveraging rules."""
