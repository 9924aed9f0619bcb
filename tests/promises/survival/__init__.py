"""The proofs of the survival table, by what goes wrong: submits, refusals, reports, cancels, answers."""
