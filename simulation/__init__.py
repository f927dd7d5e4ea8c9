"""The world: columns (accounts, market), rules, scenario and the model that orders a step."""
