"""Liquidation rules: how much of a pool under maintenance is closed in one round."""
