"""The code of the book "CNN Architectures: From LeNet-5 to ResNet".

What chapters import, and which of them (1 to 7) use it:

- `models`: every architecture, a file each, built by name (all)
- `data`: data sets as tensors, augmentation, photographs, folders of images (1 to 6)
- `training`: recipes, the loop, evaluation; a run from the command line (1 to 7)
- `cost`: parameters, connections, MACs and activations, layer by layer (all)
- `memory`: the peak of a computation, counted without taking any (4, 7)
- `timing`: how long code runs, side by side (3, 7)
- `receptive_field`: which pixels a unit sees, in three ways (3, 4, 6)
- `chains`: networks of one unit a layer, and five ways to their gradient (5, as
  `gradients.scalar_chain`)
- `gradients`: gradients in networks, by layer and by path (5)
- `cam`: class activation maps, and occlusion (2, 6)
- `papers`: published figures, each with its source (all)
- `pretrained`: trained weights, torchvision's and the book's own (1, 2, 6, 7)
- `records`: results too long for a chapter, recorded with their origin (1, 2, 5)
- `plots`: every figure, a file a chapter (all)
- `explorables`: what moves in the page, computed there (1, 5)
- `widgets`: sliders that move in a static page (all)
- `packages`: whether this Python has what the book needs (all, in the first cell)
- `exercises`: checking a reader's answer; the cases, a file a chapter (all)
- `claims`: asserting what the text says of an experiment (1, 3 to 7)

`python -m cnnbook` counts and trains from the command line (`__main__`). Modules that
begin with an underscore serve the others: `_book` (the book's folder and its files),
`_forms` (a figure as SVG, wide and narrow), `_lookup` (by name, or "did you mean"),
`_observe` (look at a network, leave it as it was), `_picture` (a figure as a small
PNG), `_products` (what each of torch's operations multiplies), `_progress` (a bar that
leaves nothing behind), `_settings` (checks of settings).
"""
