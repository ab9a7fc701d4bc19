"""Code that all studies that train networks share."""
