"""What can be removed of runs, builds and state, and its removal."""
