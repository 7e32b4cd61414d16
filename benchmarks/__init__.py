"""Measurements of the tool itself and of the library's limits. Nothing here is asserted by a test: `make bench`."""
