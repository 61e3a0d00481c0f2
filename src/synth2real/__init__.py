"""Synthetic images, converted by a GAN, that help a classifier of real ones."""
