"""The backends are named in `contents.py`. (The usual hook imports pystray, which wants a screen.)"""

hiddenimports = []
