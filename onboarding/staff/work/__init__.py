"""Due work as staff see it: what waits, what fails, and whether a worker is there."""
