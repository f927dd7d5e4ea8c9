"""Conformance: the published numeric cases of real venues, computed by the engine's own rules."""
