"""Tests of the interest rules."""
