"""The classify stage: what a classifier trained on each set of images is worth on real ones."""
