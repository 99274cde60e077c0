"""What accounts and clusters spent, and the caps against which that counts."""
