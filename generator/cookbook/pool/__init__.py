"""Pooling: reductions over a window that slides over an image."""
