"""Two results to decisions: what may be compared, and what differs."""
