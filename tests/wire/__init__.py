"""A server on this machine that speaks the wires of language models, driven by a script, and misbehaves on purpose."""
