"""Trains a LoRA adapter from a job file, in a folder of its own, and can be stopped and started at any time.

__main__    the commands; nothing heavy is imported before SIGTERM can be answered
train       one run: data -> model -> training -> output, and what goes wrong on the way
launch      one child process per device, where there are several
job, hyperparameters, run_folder, events, stopping, heartbeat    the run's files and signals; no torch
data/       lines -> conversations -> tokens with a loss mask -> batches
model/      device and dtype, tokenizer, base model, LoRA
training/   trl's SFTTrainer with our own schedule, checkpoints (no pickles), points and guards
output/     adapter, samples, model card, summary; comparing answers
preparing/  base models from a hub, a folder, files or a package
"""

VERSION = "0.1.0"
SCHEMA = 1  # of job.json and training_summary.json
