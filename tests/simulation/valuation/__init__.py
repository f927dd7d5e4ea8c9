"""Tests of the valuation rules."""
