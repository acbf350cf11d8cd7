"""Changing one value in a text, and nothing else of it. Pure: text in, text out."""
