"""Tests of the liquidation rules."""
