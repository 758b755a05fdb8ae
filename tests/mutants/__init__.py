"""Mutants: the program with one small fault, to see whether a test notices. `make mutants` tries a sample of them.

Our own, since the usual tools mutate Python only and one of them not the async kind: here one run, with one score,
covers Python, the SQL, the rules and the page.
"""
