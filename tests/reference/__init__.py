"""An independent exact ledger, and the events that hold the real one against it."""
