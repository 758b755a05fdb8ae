"""The GraphQL service: each customer's mail history, and the doors through which mail is sent."""
