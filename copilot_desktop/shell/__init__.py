"""What a person sees outside the page: the window, the tray icon, or nothing at all (headless)."""
