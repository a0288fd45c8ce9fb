"""The layout of a `.kmc` file, part by part, independent of k-means and coding."""
