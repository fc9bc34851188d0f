"""What comes into a home from elsewhere, or leaves it."""
