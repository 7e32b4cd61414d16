"""Many hosts as one lab, over Dask distributed: each offers its phones, one run measures on all of them."""
