"""The one-machine launcher: starts the databases, the gateway, the web server and the demo. Not used in production."""
