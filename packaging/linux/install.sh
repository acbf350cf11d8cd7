#!/bin/sh
# Install Copilot Desktop for the user who runs this, without root. Run it again for a new version.
set -eu

if [ $# -gt 0 ]; then
    echo "Usage: install.sh, without anything behind it. Nothing was changed." >&2
    exit 2
fi

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
lib="$HOME/.local/lib/copilot-desktop"
bin="$HOME/.local/bin"
share="${XDG_DATA_HOME:-$HOME/.local/share}"

mkdir -p "$HOME/.local/lib" "$bin" "$share/applications"
rm -rf "$lib.new"
cp -R "$here/app" "$lib.new"
cp "$here/uninstall.sh" "$lib.new/uninstall.sh"
if ! said=$("$lib.new/copilot-desktop" --version 2>&1); then
    rm -rf "$lib.new"
    echo "This build does not run here. Nothing was changed. It said:" >&2
    echo "$said" >&2
    exit 1
fi
running=
for each in /proc/[0-9]*/exe; do
    if [ "$(readlink "$each" 2>/dev/null || true)" = "$lib/copilot-desktop" ]; then running=yes; fi
done
rm -rf "$lib.old"
if [ -e "$lib" ]; then mv "$lib" "$lib.old"; fi
mv "$lib.new" "$lib"
rm -rf "$lib.old"
ln -sf "$lib/copilot-desktop" "$bin/copilot-desktop"

# A menu knows nothing of the user's PATH, so the entry names the whole path, quoted for it.
quoted=$(printf '%s' "$lib/copilot-desktop" | sed -e 's/[\\"`$]/\\\\&/g' -e 's/%/%%/g')
line=$(printf '%s' "\"$quoted\"" | sed -e 's/[\\&|]/\\&/g')
sed -e "s|^Exec=copilot-desktop|Exec=$line|" -e '/^TryExec=/d' \
    "$here/share/applications/copilot-desktop.desktop" > "$share/applications/copilot-desktop.desktop"
for icon in "$here"/share/icons/hicolor/*/apps/copilot-desktop.png; do
    size=$(basename "$(dirname "$(dirname "$icon")")")
    mkdir -p "$share/icons/hicolor/$size/apps"
    cp "$icon" "$share/icons/hicolor/$size/apps/"
done

echo "Installed: $(printf '%s' "$said" | head -n 1)"
echo "Start it from the menu, or with: $bin/copilot-desktop"
echo "Remove it with: $lib/uninstall.sh"
if [ -n "$running" ]; then
    echo "Copilot Desktop is running. Quit it and start it again to use the new version."
fi
case ":$PATH:" in
    *":$bin:"*) ;;
    *) echo "$bin is not in your PATH; most systems add it at the next login." ;;
esac

found=
for each in /usr/lib/*/girepository-1.0 /usr/lib64/girepository-1.0 /usr/lib/girepository-1.0; do
    if [ -e "$each/WebKit2-4.1.typelib" ]; then found=yes; fi
done
if [ -z "$found" ]; then
    echo
    echo "The window needs WebKitGTK, which is not here; without it your browser shows the page."
    echo "  Debian, Ubuntu  sudo apt install gir1.2-webkit2-4.1 gir1.2-ayatanaappindicator3-0.1"
    echo "  Fedora          sudo dnf install webkit2gtk4.1 libayatana-appindicator-gtk3"
    echo "  Arch            sudo pacman -S webkit2gtk-4.1 libayatana-appindicator"
fi
