"""Tests of `experiments.bench`."""
