"""Evidence at scale: all long runs of the book, as one command that can be resumed.

    python -m tools.experiments.evidence --budget 540

It needs PyTorch, torchvision, accelerate, pandas and typer, no network and no more of
the book's packages: a machine that is lent for a quarter of an hour has no others.

- `parts`: what is measured, in order of worth, and the record that each part writes;
- `budget`: how much time is left; `setting`: device, precision, data, folders;
- `pack`: a data set of small images as one file with its hash;
- `side_by_side`: several seeds of a network trained at once; `trained`: and resumed;
- `costs`, `loops`, `depth`, `speed`, `architectures`, `surfaces`: the parts;
- `table`: what has been recorded so far.
"""
