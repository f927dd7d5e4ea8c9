"""Funding rules: what longs pay shorts to hold a perpetual near the oracle price."""
