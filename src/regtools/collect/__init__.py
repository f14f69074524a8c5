"""What is observed of a registry, as rows: its inventory, and how it answers."""
