"""The words all packages share. Standard library only."""
