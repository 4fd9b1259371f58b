"""The tracer's recording of what a wrapper does. Nothing here is a defence: the executor believes no message of it."""
