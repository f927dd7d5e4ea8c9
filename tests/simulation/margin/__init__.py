"""Tests of the margin rules."""
