"""Mark-price rules: the price margin is computed with."""
