"""Tests of the claims rules."""
