"""Mutants: accepted kernels, each with one small fault, of which the judge must refuse as good as all."""
