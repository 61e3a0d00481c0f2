"""The losses of the paper's section 3, each a mean over the batch."""

import jax
import jax.numpy as jnp
import optax
from flax import nnx


def discriminator_loss(real_logits_B: jax.Array, fake_logits_B: jax.Array) -> jax.Array:
    """Cross entropy of calling real images 1 and converted images 0 (sum of both means)."""
    real = optax.sigmoid_binary_cross_entropy(real_logits_B, jnp.ones_like(real_logits_B))
    fake = optax.sigmoid_binary_cross_entropy(fake_logits_B, jnp.zeros_like(fake_logits_B))
    loss: jax.Array = real.mean() + fake.mean()
    return loss


def adversarial_loss(fake_logits_B: jax.Array) -> jax.Array:
    """The generator's non-saturating loss: cross entropy of converted images being called 1.

    Goodfellow et al., "Generative Adversarial Nets", 2014, section 3.
    """
    loss_B = optax.sigmoid_binary_cross_entropy(fake_logits_B, jnp.ones_like(fake_logits_B))
    loss: jax.Array = loss_B.mean()
    return loss


def hinge_discriminator_loss(real_logits_B: jax.Array, fake_logits_B: jax.Array) -> jax.Array:
    """Real images should have logits above 1, converted ones below -1 (sum of both means).

    Lim & Ye, "Geometric GAN", 2017; Miyato et al., "Spectral Normalization", ICLR 2018.
    """
    return nnx.relu(1 - real_logits_B).mean() + nnx.relu(1 + fake_logits_B).mean()


def hinge_adversarial_loss(fake_logits_B: jax.Array) -> jax.Array:
    """The generator's part of the hinge loss: converted images should have high logits."""
    return -fake_logits_B.mean()


def task_loss(logits_BxC: jax.Array, labels_B: jax.Array) -> jax.Array:
    """Cross entropy of the task classifier's prediction."""
    loss: jax.Array = optax.softmax_cross_entropy_with_integer_labels(logits_BxC, labels_B).mean()
    return loss


def pixel_change_loss(converted_BxHxWxC: jax.Array, source_BxHxWxC: jax.Array) -> jax.Array:
    """Mean pairwise squared error: how unevenly the pixels of an image change.

    For the differences d_1..d_n of an image it is the mean of (d_i - d_j)^2 over all ordered
    pairs, which is twice the variance of d: changing every pixel by the same amount is free
    (Eigen et al. 2014; PixelDA's default among its similarity losses).
    """
    diff = converted_BxHxWxC - source_BxHxWxC
    return 2 * diff.reshape(diff.shape[0], -1).var(axis=1).mean()


def diversity(one_BxHxWxC: jax.Array, other_BxHxWxC: jax.Array) -> jax.Array:
    """Mean absolute difference [0, 1] of the same images [-1, 1], bent with two noises.

    A generator that is rewarded for it heeds its noise (Mao et al., "Mode Seeking Generative
    Adversarial Networks for Diverse Image Synthesis", CVPR 2019; Yang et al., "Diversity-Sensitive
    Conditional Generative Adversarial Networks", ICLR 2019). Noises are as good as equally far from
    each other, so the distance is not divided by theirs. Bent images, not painted ones: the reward
    would go to grey paper.
    """
    return jnp.abs(one_BxHxWxC - other_BxHxWxC).mean() / 2
