"""Tables of results as text: one file per format, one table of them."""
