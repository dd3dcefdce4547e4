"""What staff look at over weeks: each report as drawing, table and file, from one value."""
