"""How many requests each key may still send, exactly."""
