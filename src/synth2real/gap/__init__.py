"""The gap stage: how far synthetic and converted images are from real ones.

Its numbers are for the reader alone. They look at the real test images: a setting, a GAN or an
image chosen by them would leave no test set.
"""
