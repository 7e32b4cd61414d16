"""Builds the native part: toolchains, the cmake driver, ELF checks, the content-addressed cache."""
