"""What is done once on a device: verify and tune, which leave no run directory; what a run of A/A pairs calibrates."""
