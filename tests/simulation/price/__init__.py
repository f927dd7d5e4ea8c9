"""Tests of the price processes."""
