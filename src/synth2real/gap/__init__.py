"""The gap stage: how far font and converted images are from real ones.

Its numbers are for the reader alone. They look at MNIST's test images: a setting, a GAN or an image
chosen by them would leave no test set.
"""
