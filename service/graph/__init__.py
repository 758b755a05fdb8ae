"""The GraphQL API: its types, a file a noun, and what runs them over HTTP, event streams and WebSockets."""

import service.graph.enums  # noqa: F401 - makes GraphQL enums of the gateway's before any type here names one
