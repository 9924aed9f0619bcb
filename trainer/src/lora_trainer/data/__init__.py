"""From lines to batches: reading -> layouts -> rendering -> encoding -> packing -> collating.

`preparing` does it for a run's two data sets; only `collating` needs torch.
"""
