"""The recipe *row*: pointwise operations and reductions along any dimensions."""
