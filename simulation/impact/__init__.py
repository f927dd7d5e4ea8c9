"""Impact laws: how net volume moves the price."""
