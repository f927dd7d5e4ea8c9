"""Published results that are special cases of the simulator, and the signs of its main findings."""
