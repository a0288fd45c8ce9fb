"""The layout of a `.kmc` file, part by part; it knows nothing of k-means or of coding."""
