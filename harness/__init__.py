"""Benchmark an indirect-convolution library on Android phones and on this machine."""

__version__ = "0.2.0"
