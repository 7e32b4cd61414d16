"""Estimates and intervals: pure functions."""
