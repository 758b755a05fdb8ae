"""Shaped pages: a long list asks PostgreSQL for exactly the fields selected, as JSON, and passes the bytes through.

`field.py`    how a GraphQL field declares its SQL, once, beside its type
`compile.py`  a selection -> one column expression, or None when something in it declares no SQL
`together.py` pages asked for in the same breath are one statement
`executor.py` passes the bytes through graphql-core
"""
