"""What the browser tests share: one browser, and one world of servers for all of them."""

from tests.browsing import browser, chromium, relay_port, running, world

__all__ = ["browser", "chromium", "relay_port", "running", "world"]
