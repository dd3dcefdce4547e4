"""What staff do about one store: look at it as its merchant does, and write notes."""
