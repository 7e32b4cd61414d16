"""The convbench protocol, one device's session, many devices' campaign."""
