"""A study whose measurements are known, take no time and can fail."""
