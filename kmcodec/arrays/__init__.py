"""Arrays of integer labels as `.kmc` files, and the codecs that let Zarr and numcodecs use them."""
