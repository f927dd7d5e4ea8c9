"""Tests of `experiments.warning`."""
