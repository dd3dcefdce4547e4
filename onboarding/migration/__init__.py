"""A vendor's deprecation as a plan, the campaigns that move merchants, and the waiting line."""
