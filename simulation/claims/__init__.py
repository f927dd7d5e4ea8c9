"""Claims rules: who owes whom, and when what is owed falls due."""
