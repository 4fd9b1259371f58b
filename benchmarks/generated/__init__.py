"""Random problems in KernelBench's format, the same ones for the same seed."""
