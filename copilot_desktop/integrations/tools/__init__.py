"""One module for each tool; `registry.py` is the only list."""
