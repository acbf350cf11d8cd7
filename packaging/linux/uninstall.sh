#!/bin/sh
# Remove what install.sh has written. With --everything also what the app keeps; it asks first.
set -eu

case "$*" in
    '' | --everything | '--everything --yes') ;;
    *)
        echo "Usage: uninstall.sh [--everything [--yes]]. Nothing was changed." >&2
        exit 2
        ;;
esac

lib="$HOME/.local/lib/copilot-desktop"
bin="$HOME/.local/bin"
share="${XDG_DATA_HOME:-$HOME/.local/share}"

if [ "${1:-}" = --everything ]; then
    shift
    "$lib/copilot-desktop" remove-everything "$@"
    told=
else
    # Else each login would look for a program that is gone.
    if grep -qsF "$lib/" "${XDG_CONFIG_HOME:-$HOME/.config}"/autostart/*.desktop; then
        "$lib/copilot-desktop" autostart off >/dev/null 2>&1 || true
    fi
    told=yes
fi
running=
for each in /proc/[0-9]*/exe; do
    if [ "$(readlink "$each" 2>/dev/null || true)" = "$lib/copilot-desktop" ]; then running=yes; fi
done
if [ "$(readlink "$bin/copilot-desktop" 2>/dev/null || true)" = "$lib/copilot-desktop" ]; then
    rm -f "$bin/copilot-desktop"
fi
rm -f "$share/applications/copilot-desktop.desktop"
rm -f "$share"/icons/hicolor/*/apps/copilot-desktop.png
rm -rf "$lib" "$lib.new" "$lib.old"
for each in "$share"/icons/hicolor/*/apps "$share"/icons/hicolor/*; do
    rmdir "$each" 2>/dev/null || true
done
echo "Copilot Desktop is removed."
if [ -n "$running" ]; then
    echo "It is still running. Quit it in the tray, or it ends when you log out."
fi
if [ -n "$told" ]; then
    echo "What it keeps stays in $share/copilot-desktop, with the sign-in there or in the keyring, and"
    echo "editors stay connected. To delete all of it, install it again and run:"
    echo "  $lib/uninstall.sh --everything"
fi
