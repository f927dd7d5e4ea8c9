"""Tests of the funding rules."""
