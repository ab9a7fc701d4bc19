"""Parts that all studies share."""
