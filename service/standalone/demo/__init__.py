"""The demo: an invented installer company, its customers, the mail it sends through the API, and its mail server."""
