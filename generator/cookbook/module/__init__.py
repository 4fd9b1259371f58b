"""From stages to the text of a module."""
