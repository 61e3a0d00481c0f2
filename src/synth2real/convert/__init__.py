"""The convert stage: a GAN turns synthetic images into ones like the real (paper, section 3)."""
