"""Collateral rules: what pledged tokens, debts and unrealised profit count for."""
