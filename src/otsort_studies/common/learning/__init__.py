"""What the studies that train networks share."""
