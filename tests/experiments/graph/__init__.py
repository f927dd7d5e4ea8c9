"""Tests of `experiments.graph`."""
