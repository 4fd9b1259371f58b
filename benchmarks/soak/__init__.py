"""Random runs with random mishaps, held against a model of how they must end."""
