"""The accepted module used for real: what the roles `conformance` and `cuda.conformance` share. PYTEST_DONT_REWRITE"""
