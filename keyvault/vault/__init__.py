"""The only door to a plaintext."""
