"""What the statistics are worth: simulated devices with known true ratios, and blocks on real silicon."""
