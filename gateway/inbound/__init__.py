"""Mail that comes back: taken in and stored, then read, matched with what was sent, and joined to the history."""
