"""Shocking one market at a time: how much of it arrives where, by margin rule."""
