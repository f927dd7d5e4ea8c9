"""Tests of `experiments.loops`."""
