"""Jobs side by side: what they were told to do, what came of it, and whether their results can be compared.

settings     what each was made from, and in what they differ
validation   on what their validation losses are measured, and in words why two of them say nothing of each other
results      what came of each, with the best of it
table        all of it as rows of texts
"""

from jobs.comparisons.comparison import LEAST, MOST, Comparison, compare, fits

__all__ = ["LEAST", "MOST", "Comparison", "compare", "fits"]
