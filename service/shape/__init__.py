"""Shaped pages: PostgreSQL makes the JSON of exactly the fields that are selected of a list; its bytes pass through.

`field.py`    how a GraphQL field declares its SQL, once, beside its type
`compile.py`  a selection -> an exact statement of its columns, or None when something in it declares no SQL
`general.py`  a selection -> values of a statement that many selections share
`usage.py`    which selections are asked often enough for an exact one
`joined.py`   several pages -> one statement
`read.py`     reads the lists of an object before graphql-core resolves them
`executor.py` gives graphql-core what was read
"""
