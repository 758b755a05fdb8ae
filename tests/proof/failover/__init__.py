"""The failover proof: hosts die, freeze and are cut off while mail is queued, sent and read, and nothing is lost."""
