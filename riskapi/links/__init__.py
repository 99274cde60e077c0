"""What accounts share, and what sharing it says."""
