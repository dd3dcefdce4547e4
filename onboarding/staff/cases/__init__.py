"""Investigations as staff see them: the list by age, one case, and the planner's factors."""
