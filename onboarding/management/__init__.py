"""Commands of the browser side."""
