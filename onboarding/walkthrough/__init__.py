"""The six steps through the vendor's Back Office."""
