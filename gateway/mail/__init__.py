"""Mail as pure values and functions: no I/O, no clock, no environment. Everything else builds on these."""
