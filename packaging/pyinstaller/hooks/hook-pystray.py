"""`contents.py` names the backends. The usual hook imports pystray, which wants a screen."""

hiddenimports = []
