"""The six questions put to other tools, each in a process of its own."""
