"""Interest rules: what negative balances pay and positive ones earn."""
