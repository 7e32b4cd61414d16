"""Conditions of devices and of this host: facts, read in few round trips, and pure functions of them."""
