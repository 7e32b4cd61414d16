"""What runs in the peers' own virtual environment; knows nothing of the harness but native/workers/worker.py."""
