"""Loss rules: who pays what the insurance fund and auto-deleveraging leave."""
