"""Who is of the staff, and in which role."""
