"""Account states: warning, reduce-only, liquidation, backstop, and when they end."""
