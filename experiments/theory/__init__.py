"""The theory suite: published results that are special cases of the engine."""
