"""The recipe *pointwise*, and how it writes: graph → views and statements → kernels → wrapper → template."""
