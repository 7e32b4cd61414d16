"""From suite and devices to ordered jobs: pure functions."""
