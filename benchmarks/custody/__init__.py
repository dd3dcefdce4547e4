"""What `benchmarks/vault.py` measures, one module a question; imported once Django is set up."""
