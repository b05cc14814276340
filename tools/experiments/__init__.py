"""Runs and timings that take too long for a chapter."""
