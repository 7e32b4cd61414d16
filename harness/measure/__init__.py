"""What is done with convbench on devices: runs, and what is done once; what both share stands here."""
