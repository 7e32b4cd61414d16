"""Settings that change a device, each recorded, verified and restored; sources of heat."""
