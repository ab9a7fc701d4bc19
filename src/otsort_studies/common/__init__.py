"""Code that all studies share."""
