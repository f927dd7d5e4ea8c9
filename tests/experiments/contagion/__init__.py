"""Tests of `experiments.contagion`."""
