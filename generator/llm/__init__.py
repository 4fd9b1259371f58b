"""Authors that are language models."""
