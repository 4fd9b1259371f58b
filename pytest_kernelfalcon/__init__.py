"""Triton kernels for PyTorch problems, synthesised, judged and kept by pytest.

Importing this package costs nothing: what is heavy is behind `--kernelfalcon` and in other processes.
"""
