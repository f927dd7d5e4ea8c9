"""Tests of `experiments.record`."""
