"""Tests of the mark rules."""
