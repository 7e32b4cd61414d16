"""The only place with device I/O: phones over adb and this machine."""
