"""What a repro.py does with a problem and a candidate. PYTEST_DONT_REWRITE

No role runs this: judge/repro/ puts its text, with that of the functions that it uses of other roles, into a script of
its own. So it imports torch and the standard library alone; Triton only where a kernel is to run, after the script has
decided whether it is interpreted. Unlike the judge it runs the candidate's own Python, on real tensors.
"""
