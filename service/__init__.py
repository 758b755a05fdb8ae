"""The GraphQL service: each customer's mail history, and mutations that send mail through the gateway."""
