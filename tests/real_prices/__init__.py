"""Tests on prices that happened."""
