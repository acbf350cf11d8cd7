"""Connecting editors and agents: what is written into whose file, and how it is taken back.

An integration describes; it never touches a disk. `tools/` holds one module for each tool: where
its files lie and which values it needs, as a tuple of edits (`edits.py`). `formats/` changes one
value in a text and leaves every other byte. The engine reads, shows, writes, remembers and undoes
edits of any tool in the same way. Nothing here knows the core, the page or the terminal.
"""
