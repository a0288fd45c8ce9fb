"""What is written besides `.kmc`: images, animations and palettes in the formats of others."""
