"""What is done once on a device and leaves no run directory: verify, tune."""
