"""Who acts: the exchange, liquidators, and the trader types."""
