"""Tests of the experiments: statistics, storage, price files, parallel runs and what people ask."""
