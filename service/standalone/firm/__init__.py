"""The invented installer firm of the demo: its customers, and the mails each of them gets."""
