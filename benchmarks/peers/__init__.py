"""The library beside other convolution libraries on this machine: ``make bench-peers``."""
