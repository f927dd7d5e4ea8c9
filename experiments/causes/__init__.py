"""Why an account died: its loss by cause, its story, and what would have saved it."""
