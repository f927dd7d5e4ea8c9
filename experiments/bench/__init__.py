"""How fast it is: a whole step, a requirement, the causes of losses, the graph of contagion."""
