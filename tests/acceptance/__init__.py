"""What the project promises its users, through the interface they use."""
