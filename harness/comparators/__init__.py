"""Other libraries as workers: which there are, where they come from, their fetching, building and place in a run."""
