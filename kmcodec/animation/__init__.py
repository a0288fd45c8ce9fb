"""Animations in a `.kmc` file: the value, its encoder and its reader."""
