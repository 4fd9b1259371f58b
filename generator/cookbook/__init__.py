"""The embedded author: recipes that write kernels for the graphs that they match."""
