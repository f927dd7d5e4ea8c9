"""Tests of the volatility rules."""
