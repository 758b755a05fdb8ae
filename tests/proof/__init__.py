"""The crash proof: no mail is lost, and none is sent twice unless its first attempt is UNCERTAIN."""
