"""What somebody's training has cost: totals, comparisons, groups. `span` is the time looked at (pure), `report` reads
the bills, `plot` lays out stacked bars (pure), `sheet` writes the bills for spreadsheets. The page and the API show
the same figures because both ask here.
"""
