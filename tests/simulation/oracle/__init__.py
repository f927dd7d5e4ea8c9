"""Tests of the oracle rules."""
