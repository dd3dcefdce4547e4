"""How many keys a sale needs: the planner, what was measured, and investigations by staff."""
