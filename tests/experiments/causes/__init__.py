"""Tests of `experiments.causes`."""
