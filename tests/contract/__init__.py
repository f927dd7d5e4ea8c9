"""What every rule and every trader promises."""
