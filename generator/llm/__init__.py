"""Language models: the wires on which they are asked. Read provider.py first; each provider is one file."""
