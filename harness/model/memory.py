"""How much memory the buffers of a sample may take."""

MEMORY_BYTES = 768 << 20  # where the device has it
