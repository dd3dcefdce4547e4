"""English: the day before the month, 24 hours, so that nobody takes 3 May for 5 March."""
