"""Typed models of suites, policies and device models; loading with errors that name file, line and key."""
