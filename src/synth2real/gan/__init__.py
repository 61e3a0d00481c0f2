"""The GAN stage: PixelDA (Bousmalis et al. 2017), from font images to images like MNIST."""
