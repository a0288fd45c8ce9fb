"""Images larger than memory: their rows come, are counted, quantised and coded block by block."""
