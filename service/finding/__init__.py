"""Mail found across customers: what is asked for, which index finds it, and how far a page may read."""
