"""Runs before the app: programs that it starts get the library path that the user has.

The program's own start points LD_LIBRARY_PATH at the folder with our libraries. This process has
read it already; for web views, browsers and editors it would be wrong.
"""

import os

_kept = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
if _kept:
    os.environ["LD_LIBRARY_PATH"] = _kept
else:
    os.environ.pop("LD_LIBRARY_PATH", None)
