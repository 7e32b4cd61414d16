"""What can be said about the arm64 kernels without an ARM core: ``make bench-aarch64``.

Two tables: how the inner loops of the built library fare in models of cores (llvm-mca and two of our own for cores that
issue in order), and how many instructions of which class each layer executes under qemu. Neither is a measured time.
"""
