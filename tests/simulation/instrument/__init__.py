"""Tests of the instrument rules."""
