"""Recipes for device farms and CI services, and one run directory of what many of their jobs bring back."""
