"""Authors that are language models. Read provider.py first: each provider is one file."""
