"""Parts that the studies that train networks share."""
