"""What desktops of freedesktop.org show of `.kmc` files."""
