"""A run: one device's session, many devices' campaign, what is left for --resume."""
