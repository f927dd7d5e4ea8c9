"""Tests of the impact rules."""
