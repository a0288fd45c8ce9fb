"""Images larger than memory: count, quantise and code their rows block by block."""
