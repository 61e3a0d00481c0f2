"""Parts of networks, and random maps of images, that several stages share."""
