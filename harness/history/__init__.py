"""Many runs over time: a store that only grows, what changed in it and when, and its pages."""
