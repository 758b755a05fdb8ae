"""Everything on one machine: the servers, the demo firm and its relay. Nothing outside of here imports it."""
