#!/bin/sh
# The disk image with the app, out of what `packaging/build.py folder` has left in dist/. On macOS:
#
#   packaging/macos/disk_image.sh VERSION
#
# Signed if MACOS_SIGN_IDENTITY names an identity of the keychain ("Developer ID Application: …"); the
# build has then signed the app as well. Notarised if NOTARY_KEY is the path of a key of App Store
# Connect, with NOTARY_KEY_ID and NOTARY_ISSUER; the secret itself is in no argument.
set -eu
version=$1
cd "$(dirname "$0")/../../dist"
app="Copilot Desktop.app"
image="copilot-desktop-$version-macos-$(uname -m).dmg"

if [ -n "${MACOS_SIGN_IDENTITY:-}" ]; then
    codesign --verify --deep --strict "$app"
fi
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
ditto "$app" "$stage/$app"
ln -s /Applications "$stage/Applications"
rm -f "$image"
hdiutil create -quiet -volname "Copilot Desktop" -srcfolder "$stage" -format UDZO "$image"
if [ -n "${MACOS_SIGN_IDENTITY:-}" ]; then
    codesign --sign "$MACOS_SIGN_IDENTITY" --timestamp "$image"
fi
if [ -n "${NOTARY_KEY:-}" ]; then
    xcrun notarytool submit "$image" --wait --timeout 30m \
        --key "$NOTARY_KEY" --key-id "$NOTARY_KEY_ID" --issuer "$NOTARY_ISSUER"
    xcrun stapler staple "$image"
fi
echo "dist/$image"
