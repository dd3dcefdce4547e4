"""The merchant's hub: one store, its keys and its state."""
