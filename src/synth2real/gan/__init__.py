"""The GAN stage: from synthetic images to ones like the real, as in PixelDA, and our own way."""
