"""The GAN stage, from font images to ones like MNIST: PixelDA (Bousmalis et al. 2017), and ours."""
