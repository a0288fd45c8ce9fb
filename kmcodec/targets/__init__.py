"""Write images, animations and palettes in formats other than `.kmc`."""
