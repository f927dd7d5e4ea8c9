"""Tests of what traders, keepers and the vault do."""
