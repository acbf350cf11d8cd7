"""The Responses dialect; a package, so that its tests can share their samples."""
