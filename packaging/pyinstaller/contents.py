"""What a build holds beside what its imports tell, and what it does not hold.

On Linux everything in C that a desktop has is left to the system: GTK, WebKit and what they load
must come from one place, and a copy of, say, libstdc++ or SQLite from the build's machine makes the
WebKit of a newer system fail. So only Python itself and the libraries inside wheels come along.
"""

from __future__ import annotations

import ast
import importlib.util
import py_compile
import sys
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

Entry = tuple[str, str, str]  # name in the folder, source, kind

BUNDLE_ID = "io.github.copilot_desktop"
SYSTEM_FOLDERS = ("/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/")
OWN = ("libpython3.*",)  # of the system's folders, all that comes along

# Imported by name. Keyring tries each of its backends, on whatever system, and complains aloud
# about one that its metadata names and that is not there.
HIDDEN = (
    "keyring.backends.SecretService",
    "keyring.backends.Windows",
    "keyring.backends.chainer",
    "keyring.backends.fail",
    "keyring.backends.kwallet",
    "keyring.backends.libsecret",
    "keyring.backends.macOS",
    "keyring.backends.null",
)
ONLY = {
    "linux": (
        "pystray._appindicator",
        "pystray._gtk",
        "webview.platforms.gtk",
    ),
    "macos": ("pystray._darwin", "webview.platforms.cocoa"),
    "windows": (
        "clr_loader",
        "pystray._win32",
        "pythonnet",
        "webview.platforms.edgechromium",
        "webview.platforms.winforms",
    ),
}
NEEDLESS = (
    "IPython",
    "PIL.AvifImagePlugin",
    "PIL.ImageQt",
    "PIL.ImageTk",
    "PIL.WebPImagePlugin",
    "PIL._avif",
    "PIL._imagingcms",
    "PIL._imagingft",
    "PIL._imagingtk",
    "PIL._webp",
    "PyQt5",
    "PyQt6",
    "PySide6",
    "curses",
    "ensurepip",
    "idlelib",
    "lib2to3",
    "numpy",
    "pip",
    "pydoc_data",
    "qtpy",
    "readline",
    "setuptools",
    "test",
    "tkinter",
    "turtle",
    "webview.platforms.android",
    "webview.platforms.cef",
    "webview.platforms.mshtml",
    "webview.platforms.qt",
)
NEEDLESS_ON = {
    # `gi` is carried as it is: PyInstaller's own way would bring half of GTK along.
    "linux": ("gi", "pystray._win32"),
    "macos": ("gi", "pystray._win32"),
    "windows": ("gi", "pystray._darwin"),
}
# Patterns of names in the folder.
WASTE = (
    "*.pyi",
    "*/py.typed",
    "*.dist-info/RECORD",
    "*.dist-info/direct_url.json",
    "*/__pycache__/*",
    "assets/make_icons.py",
)


def check_environment(on: str) -> None:
    """Raises SystemExit where a library is missing: PyInstaller would build without it."""
    wanted = {name.split(".")[0] for name in (*HIDDEN, *ONLY[on], "PIL.Image", "aiohttp")}
    if missing := sorted(name for name in wanted if importlib.util.find_spec(name) is None):
        raise SystemExit(f"not installed for {sys.executable}: {', '.join(missing)}")


def bundle_facts(version: str) -> dict[str, object]:
    """What macOS is told about the bundle (`Info.plist`), beside name and icon."""
    return {
        "CFBundleDisplayName": "Copilot Desktop",
        "CFBundleShortVersionString": version,
        "CFBundleVersion": version,
        "LSApplicationCategoryType": "public.app-category.developer-tools",
        # It lives in the menu bar; the window takes a place in the Dock while it is open.
        "LSUIElement": True,
        "LSMinimumSystemVersion": "11.0",
        "NSHighResolutionCapable": True,
        "NSHumanReadableCopyright": "MIT licence",
        # The page is on this machine, over plain http.
        "NSAppTransportSecurity": {"NSAllowsLocalNetworking": True},
    }


def is_waste(name: str) -> bool:
    """Whether a data file, by its name in the folder, is of no use there."""
    return any(fnmatchcase(name, pattern) for pattern in WASTE)


def gtk_bindings(work: Path) -> Iterator[tuple[str, str]]:
    """`(source, folder)` of each file of Python's GTK bindings, compiled into `work`.

    Raises SystemExit without them. The bridge to cairo stays out: nothing here draws with it.
    """
    found = _bindings()
    if not (native := sorted(found.glob("_gi.cpython-*.so"))):
        raise SystemExit(f"{found} is for another Python than {sys.version.split()[0]}")
    yield from ((str(path), "gi") for path in native)
    for path in _bindings_sources(found):
        inside = path.relative_to(found.parent)
        target = (work / inside).with_suffix(".pyc")
        target.parent.mkdir(parents=True, exist_ok=True)
        # Without times in it: the same source gives the same bytes.
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(
            str(path), str(target), str(inside), doraise=True, invalidation_mode=mode
        )
        yield str(target), inside.parent.as_posix()


def used_by_bindings() -> list[str]:
    """The standard library's modules that the bindings import, since nothing looks into them."""
    found = set()
    for path in _bindings_sources(_bindings()):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module)
    return sorted(name for name in found if name.split(".")[0] in sys.stdlib_module_names)


def without_system_libraries(binaries: Iterable[Entry]) -> tuple[list[Entry], list[str]]:
    """What comes along, and the names of what the system has to have."""
    kept, left = [], set()
    for entry in binaries:
        name, source, _ = entry
        own = "python3" in source or any(fnmatchcase(Path(name).name, each) for each in OWN)
        if source.startswith(SYSTEM_FOLDERS) and not own:
            left.add(Path(name).name)
        else:
            kept.append(entry)
    return kept, sorted(left)


def _bindings() -> Path:
    for place in (*map(Path, sys.path), Path("/usr/lib/python3/dist-packages")):
        if (place / "gi" / "__init__.py").is_file():
            return place / "gi"
    raise SystemExit("Python's GTK bindings are missing: apt-get install python3-gi")


def _bindings_sources(found: Path) -> list[Path]:
    return sorted(path for path in found.rglob("*.py") if "GIMarshallingTests" not in path.name)
