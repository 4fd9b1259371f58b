"""Honest and dishonest kernels on which the accuracy gate is calibrated: see `python -m benchmarks.accuracy --help`."""
