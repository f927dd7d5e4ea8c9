"""Tests of the collateral rules."""
