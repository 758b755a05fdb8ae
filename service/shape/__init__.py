"""Shaped pages: long lists ask PostgreSQL for exactly the fields selected, as JSON, and pass the bytes through.

`field.py`    how a GraphQL field declares its SQL, once, beside its type
`compile.py`  a selection -> one column expression, or None when something in it declares no SQL
`joined.py`   several pages -> one statement
`read.py`     reads the lists of an object before graphql-core comes to them
`executor.py` hands graphql-core what was read
"""
