"""The GraphQL schema, a file a noun."""
