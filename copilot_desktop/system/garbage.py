"""Python's search for forgotten cycles, kept away from what a start makes.

A start makes fifty thousand objects that hold others, nearly all of them code that stays for as
long as the process does. The search would go through them several times while they are made (a
sixth of the start's CPU) and again for ever after, and streams would stand still for 7 ms each.
So it rests until the code is there, and what is there then is set apart (`gc.freeze`). Objects that
are let go still vanish at once, set apart or not: that is done by counting.

Only for a process of our own: in a program that embeds us the search belongs to that program.
"""

from __future__ import annotations

import gc


def rest() -> None:
    """Do not search until `resume`."""
    gc.disable()


def resume() -> None:
    """Search from now on, in what is made from now on. Without a `rest` before it does nothing."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
