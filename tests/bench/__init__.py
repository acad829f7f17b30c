"""Figures, by `make bench`: each with its number of samples, and none of them dropped."""
