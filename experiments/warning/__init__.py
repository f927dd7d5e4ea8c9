"""What can be said before the storm, from the live book."""
