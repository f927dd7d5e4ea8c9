"""The contagion graph: who caused whose liquidation, as numbers, files and pictures."""
