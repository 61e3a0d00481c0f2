"""A tiny GAN without dropout and noise, so that its losses can be computed by other means."""

from tiny import random_gan_state, tiny_gan

LOSSES = ["discriminator", "task_synthetic", "task_converted", "task_real", "adversarial"]
LOSSES += ["pixel_change"]

QUIET = tiny_gan(discriminator_dropout=0.0, discriminator_noise=0.0, task_dropout=0.0)
STATE = random_gan_state(QUIET, spread=0.3)
