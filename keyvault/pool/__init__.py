"""The pool of a store's keys: an exact log of permits per key, and what is left of each window."""

from keyvault.pool.budgets import WindowBudget, budget_of, budgets, reserve, seed

__all__ = ["WindowBudget", "budget_of", "budgets", "reserve", "seed"]
