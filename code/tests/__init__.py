"""Tests of the book, in folders that mirror what they test.

Named here so that ``tests.chapters.conventions`` is ours: packages of others bring a
folder ``tests``, too. The folders below need no such file.
"""
