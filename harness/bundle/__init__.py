"""A run as one file: made without serial numbers, and opened again after every byte of it was checked."""
