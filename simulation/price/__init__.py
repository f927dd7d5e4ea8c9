"""Price processes: how the exogenous index prices move."""
