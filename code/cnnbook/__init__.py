"""The shared code of *CNN Architectures: From LeNet-5 to ResNet*."""
