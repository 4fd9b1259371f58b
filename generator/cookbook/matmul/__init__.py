"""The recipe *matmul*: contractions, with the pointwise operations after them in the same kernel."""
