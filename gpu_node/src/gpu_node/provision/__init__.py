"""What makes this machine ready to train: the trainer's environment and base models on its disk.

machine       MachineProvisioner: both, one after the other, for any number of jobs at once
environment   the trainer's own install.py, run once
models        where a base model lies, and the trainer's prepare-model, run once for each
packages      wheels that ship a model, by pip
downloads     files behind signed URLs, resumed where they broke off
children      child processes that report in JSON lines, and end with whoever started them
sharing       one work for all who want it, ended when nobody does
"""
