"""Shaped pages: PostgreSQL makes the JSON of exactly the fields that are selected of a list; its bytes pass through.

`field.py`    how a GraphQL field declares its SQL, once, beside its type
`compile.py`  a selection -> one column expression, or None when something in it declares no SQL
`joined.py`   several pages -> one statement
`read.py`     reads the lists of an object before graphql-core resolves them
`executor.py` gives graphql-core what was read
"""
