"""The rules that this project keeps, each as a test."""
