"""Input that must be refused: what is said, where, and that nothing else happens."""
