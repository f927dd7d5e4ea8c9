"""The rules of the house, each a pure function from a source file to complaints `file:line: what`."""
