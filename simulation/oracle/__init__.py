"""Oracle rules: the outside price as the venue sees it."""
