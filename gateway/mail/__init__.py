"""What mail is, as pure values: no I/O, no clock, no environment. Everything else builds on these."""
