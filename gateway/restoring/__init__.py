"""A ledger that was restored from a copy: how a gateway notices, and what becomes of mail that waited in it."""
