"""Long lists: measures with few points in place of those with many, and tables of smooth functions."""
