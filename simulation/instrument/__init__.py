"""Instruments: what a column of the market is, what one unit is worth, and how it settles."""
